#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/result.h"

namespace fastsamd::tensorrt {

/// A serialized engine as it lies on disk: TensorRT's plan, before it, in files that Ultralytics writes, 4 bytes of
/// length and that much JSON.
struct EngineFile {
  /// The JSON; empty when there is none.
  std::string metadata;
  std::vector<char> bytes;
  /// Where the plan begins in `bytes`.
  size_t plan_offset = 0;

  const char* plan() const { return bytes.data() + plan_offset; }
  size_t plan_size() const { return bytes.size() - plan_offset; }
};

/// Errors: kEngineCorrupt for a file that is no engine or cut short before the plan, kSourceNotFound.
Result<EngineFile> ReadEngineFile(const std::string& path);

/// Writes `size` bytes and makes them durable. Errors: kOutputUnwritable.
Status WriteDurably(const std::string& path, const void* data, size_t size);

}  // namespace fastsamd::tensorrt
