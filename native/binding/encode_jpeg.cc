#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "jpeg/jpeg.h"

namespace fastsamd::binding {

Napi::Value EncodeJpeg(const Napi::CallbackInfo& info) {
  Pins pins;
  const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  const int width = ReadInt(info[1], "width", 1, pixels.view.width);
  const int height = ReadInt(info[2], "height", 1, pixels.view.height);
  const int quality = ReadInt(info[3], "quality", 1, 100);
  return RunOnPool(
      info.Env(), "fastsamd.encodeJpeg", std::move(pins),
      [pixels, width, height, quality] { return fastsamd::EncodeJpeg(pixels.view, width, height, quality); },
      ToTypedArray<Napi::Uint8Array, uint8_t>);
}

}  // namespace fastsamd::binding
