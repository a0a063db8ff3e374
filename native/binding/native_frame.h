#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "binding/arguments.h"
#include "core/device_pixels.h"
#include "core/image.h"

namespace fastsamd::binding {

/// Pixels and what keeps them alive: native memory through `owner`, JS memory (null `owner`) through a pin.
struct Pixels {
  ImageView view;
  std::shared_ptr<const void> owner;
  /// Size of native memory; 0 for JS memory.
  size_t native_bytes = 0;
  /// Of native memory that the GPU may read where it lies.
  std::shared_ptr<DevicePixels> device = nullptr;
};

/// A tight rgb picture that owns its bytes.
Pixels OwnRgb(std::vector<uint8_t> rgb, int width, int height);

/// The JS class NativeFrame. Native memory is reported to V8 while a frame holds it, so that frames that were not
/// released are collected under memory pressure.
class NativeFrame : public Napi::ObjectWrap<NativeFrame> {
 public:
  static void Define(Napi::Env env);
  /// Makes a frame; `js_memory` is the Uint8Array that the view points into, if any.
  static Napi::Object Make(Napi::Env env, Pixels pixels, std::optional<Napi::Uint8Array> js_memory = std::nullopt);
  /// The pixels of an argument, pinned: releasing the frame does not take them from a job under way. Throws MISUSE
  /// when the value is no frame, is released, or its JS memory has been detached.
  static Pixels Use(Napi::Value value, const char* name, Pins& pins);

  explicit NativeFrame(const Napi::CallbackInfo& info);
  ~NativeFrame() override;

 private:
  /// The constructor's arguments, handed over aside because JS must not be able to make them up.
  struct ConstructorArguments;
  static thread_local ConstructorArguments* arguments_;

  Napi::Value Width(const Napi::CallbackInfo& info);
  Napi::Value Height(const Napi::CallbackInfo& info);
  Napi::Value Format(const Napi::CallbackInfo& info);
  void Release(const Napi::CallbackInfo& info);
  const Pixels& Held(Napi::Env env) const;
  void Drop();

  std::optional<Pixels> pixels_;
  Napi::Reference<Napi::Uint8Array> js_memory_;
  size_t js_bytes_ = 0;
};

/// In the order of PixelFormat.
const std::vector<const char*>& PixelFormatNames();

}  // namespace fastsamd::binding
