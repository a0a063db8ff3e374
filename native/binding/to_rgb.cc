#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/color.h"

namespace fastsamd::binding {

Napi::Value ToRgb(const Napi::CallbackInfo& info) {
  Pins pins;
  const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  return RunOnPool(
      info.Env(), "fastsamd.toRgb", std::move(pins),
      [pixels]() -> Result<std::vector<uint8_t>> {
        std::vector<uint8_t> rgb(size_t{3} * static_cast<size_t>(pixels.view.width) *
                                 static_cast<size_t>(pixels.view.height));
        if (const Status done = fastsamd::ToRgb(pixels.view, rgb.data()); !done.ok()) return done.error();
        return rgb;
      },
      ToTypedArray<Napi::Uint8Array, uint8_t>);
}

}  // namespace fastsamd::binding
