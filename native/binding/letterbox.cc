#include "core/letterbox.h"

#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/geometry.h"

namespace fastsamd::binding {

Napi::Value LetterboxGeometry(const Napi::CallbackInfo& info) {
  const int frame_width = ReadInt(info[0], "frameWidth", 1, kMaxSide);
  const int frame_height = ReadInt(info[1], "frameHeight", 1, kMaxSide);
  const int input_width = ReadInt(info[2], "inputWidth", 1, kMaxSide);
  const int input_height = ReadInt(info[3], "inputHeight", 1, kMaxSide);
  const Result<Geometry> geometry = MakeGeometry(frame_width, frame_height, input_width, input_height);
  if (!geometry.ok()) Throw(info.Env(), geometry.error());
  return ToObject(info.Env(), geometry.value());
}

Napi::Value Letterbox(const Napi::CallbackInfo& info) {
  Pins pins;
  const int input_width = ReadInt(info[2], "inputWidth", 1, kMaxSide);
  const int input_height = ReadInt(info[3], "inputHeight", 1, kMaxSide);
  const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  const Result<Geometry> made = MakeGeometry(pixels.view.width, pixels.view.height, input_width, input_height);
  if (!made.ok()) Throw(info.Env(), made.error());
  const Geometry geometry = made.value();
  const size_t size = size_t{3} * static_cast<size_t>(input_width) * static_cast<size_t>(input_height);
  const Span<float> input = ReadFloats(info[1], "input", size, pins);
  return RunOnPool(
      info.Env(), "fastsamd.letterbox", std::move(pins),
      [pixels, geometry, input]() -> Result<Geometry> {
        const Status done = fastsamd::Letterbox(pixels.view, geometry, input.data, input.size);
        if (!done.ok()) return done.error();
        return geometry;
      },
      [](Napi::Env env, const Geometry& result) { return ToObject(env, result); });
}

}  // namespace fastsamd::binding
