#include "binding/native_frame.h"
#include "binding/verbs.h"
#include "core/crop.h"

namespace fastsamd::binding {

Napi::Value CropFrame(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object part = ReadObject(info[1], "part");
  const int x = ReadInt(part.Get("x"), "part.x", 0, kMaxSide);
  const int y = ReadInt(part.Get("y"), "part.y", 0, kMaxSide);
  const int width = ReadInt(part.Get("width"), "part.width", 1, kMaxSide);
  const int height = ReadInt(part.Get("height"), "part.height", 1, kMaxSide);
  Pins pins;
  Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  const Result<ImageView> view = Crop(pixels.view, x, y, width, height);
  if (!view.ok()) Throw(env, view.error());
  pixels.view = view.value();
  if (pixels.owner != nullptr) return NativeFrame::Make(env, std::move(pixels));
  return NativeFrame::Make(env, std::move(pixels), pins.at(0).Value().As<Napi::Uint8Array>());
}

}  // namespace fastsamd::binding
