#pragma once

#include <napi.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "binding/environment.h"

namespace fastsamd::binding {

/// References that keep JS objects alive while a job reads or writes their memory. Made and dropped on the JS thread.
using Pins = std::vector<Napi::ObjectReference>;

/// A pin of one object.
Pins Pin(const Napi::Object& object);

/// Memory of a pinned typed array.
template <typename T>
struct Span {
  T* data = nullptr;
  size_t size = 0;
};

// Readers of arguments. All throw MISUSE with `name` and what was expected.

/// An integer in [min, max].
int64_t ReadInteger(Napi::Value value, const char* name, int64_t min, int64_t max);
inline int ReadInt(Napi::Value value, const char* name, int min, int max) {
  return static_cast<int>(ReadInteger(value, name, min, max));
}
/// A finite number in [min, max].
double ReadNumber(Napi::Value value, const char* name, double min, double max);
/// Milliseconds, from 0 to a day.
std::chrono::milliseconds ReadTimeout(Napi::Value value, const char* name);
bool ReadBoolean(Napi::Value value, const char* name);
/// At most `max_length` bytes of UTF-8, without NUL.
std::string ReadString(Napi::Value value, const char* name, size_t max_length);
Napi::Object ReadObject(Napi::Value value, const char* name);
Napi::Array ReadArray(Napi::Value value, const char* name, size_t max_length);
/// The position of `value` in `names`.
size_t ReadChoice(Napi::Value value, const char* name, const std::vector<const char*>& names);

inline constexpr size_t kAnyLength = SIZE_MAX;

/// Typed arrays of exactly `length` elements (kAnyLength: of any number); a detached one has none. Pinned in `pins`.
Span<float> ReadFloats(Napi::Value value, const char* name, size_t length, Pins& pins);
Span<double> ReadDoubles(Napi::Value value, const char* name, size_t length, Pins& pins);
Span<int32_t> ReadInt32s(Napi::Value value, const char* name, size_t length, Pins& pins);
Span<uint32_t> ReadUint32s(Napi::Value value, const char* name, size_t length, Pins& pins);
Span<uint8_t> ReadBytes(Napi::Value value, const char* name, size_t length, Pins& pins);

}  // namespace fastsamd::binding
