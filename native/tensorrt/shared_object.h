#pragma once

#include <string>

namespace fastsamd::tensorrt {

/// The file that dlopen would take for `name` ("libnvinfer.so.10") in the folders that this addon searches: those of
/// LD_LIBRARY_PATH, beside the addon, and the system's own. Empty where none has it; the loader's cache may know
/// others.
std::string FindSharedObject(const std::string& name);

/// Whether the file ends before what its ELF header promises to load, as after an interrupted copy. dlopen maps such a
/// file all the same, and the process ends with SIGBUS. Files that are no 64-bit ELF are not cut short: dlopen refuses
/// them.
bool IsCutShort(const std::string& path);

}  // namespace fastsamd::tensorrt
