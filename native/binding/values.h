#pragma once

#include <napi.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "binding/arguments.h"
#include "core/decode.h"
#include "core/geometry.h"
#include "core/image.h"

namespace fastsamd::binding {

/// Below this, copying is cheaper than a finalizer.
inline constexpr size_t kMoveBytes = 16 * 1024;

/// An ArrayBuffer with the elements of `values`: moved when they are many and the runtime allows external memory,
/// copied otherwise.
template <typename T>
Napi::ArrayBuffer ToArrayBuffer(Napi::Env env, std::vector<T> values) {
  const size_t bytes = values.size() * sizeof(T);
  if (bytes >= kMoveBytes) {
    auto* owner = new std::vector<T>(std::move(values));
    const auto free_owner = [](napi_env, void*, void* hint) { delete static_cast<std::vector<T>*>(hint); };
    napi_value buffer = nullptr;
    if (napi_create_external_arraybuffer(env, owner->data(), bytes, free_owner, owner, &buffer) == napi_ok) {
      return {env, buffer};
    }
    values = std::move(*owner);
    delete owner;
  }
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, bytes);
  if (bytes > 0) std::memcpy(buffer.Data(), values.data(), bytes);
  return buffer;
}

/// As ToArrayBuffer. A struct T counts as sizeof(T) / sizeof(Element) elements.
template <typename Array, typename T>
Napi::Value ToTypedArray(Napi::Env env, std::vector<T> values) {
  const size_t elements = values.size() * sizeof(T) / sizeof(*Array().Data());
  return Array::New(env, elements, ToArrayBuffer(env, std::move(values)), 0);
}

Napi::Object ToObject(Napi::Env env, const Geometry& geometry);
/// Range checks only; whether the parts agree is for those who use it to say.
Geometry ReadGeometry(Napi::Value value, const char* name);

/// Errors: MISUSE out of their ranges.
DecodeOptions ReadDecodeOptions(Napi::Value value, const char* name);

/// Indices into `count` objects, copied.
std::vector<uint32_t> ReadIndices(Napi::Value value, const char* name, size_t count);

}  // namespace fastsamd::binding
