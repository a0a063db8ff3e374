#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/verbs.h"
#include "scenes/shapes.h"

namespace fastsamd::binding {

Napi::Value RenderShapes(const Napi::CallbackInfo& info) {
  const int index = ReadInt(info[0], "index", 0, INT32_MAX);
  const Napi::Object options = ReadObject(info[1], "options");
  const int width = ReadInt(options.Get("width"), "options.width", 1, kMaxSide);
  const int height = ReadInt(options.Get("height"), "options.height", 1, kMaxSide);
  const auto seed = static_cast<uint32_t>(ReadInteger(options.Get("seed"), "options.seed", 0, UINT32_MAX));
  return RunOnPool(
      info.Env(), "fastsamd.renderShapes", {},
      [=]() -> Result<Pixels> {
        std::vector<uint8_t> rgb(size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height));
        fastsamd::RenderShapes(index, width, height, seed, rgb.data());
        return OwnRgb(std::move(rgb), width, height);
      },
      [](Napi::Env env, Pixels pixels) { return NativeFrame::Make(env, std::move(pixels)); });
}

}  // namespace fastsamd::binding
