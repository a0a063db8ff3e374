#include <memory>
#include <utility>

#include "binding/arguments.h"
#include "binding/verbs.h"

namespace fastsamd::binding {

Napi::Value OrdinaryView(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto pins = std::make_unique<Pins>();
  const Span<float> floats = ReadFloats(info[0], "shared", kAnyLength, *pins);
  // An ordinary ArrayBuffer could be detached, and its memory freed, below the view.
  if (info[0].As<Napi::TypedArray>().ArrayBuffer().IsArrayBuffer()) {
    ThrowMisuse(env, "shared: expected an array of a SharedArrayBuffer");
  }
  const size_t bytes = floats.size * sizeof(float);
  napi_value buffer = nullptr;
  const auto unpin = [](napi_env, void*, void* hint) { delete static_cast<Pins*>(hint); };
  if (napi_create_external_arraybuffer(env, floats.data, bytes, unpin, pins.get(), &buffer) != napi_ok) {
    throw Napi::Error::New(env);
  }
  static_cast<void>(pins.release());
  return Napi::Float32Array::New(env, floats.size, Napi::ArrayBuffer(env, buffer), 0);
}

}  // namespace fastsamd::binding
