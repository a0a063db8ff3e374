#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/native_segments.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/crops.h"

namespace fastsamd::binding {
namespace {

CropOptions ReadCropOptions(Napi::Value value, const char* name) {
  const Napi::Object object = ReadObject(value, name);
  CropOptions options;
  options.size = ReadInt(object.Get("size"), "options.size", 1, kMaxCropSide);
  options.filter =
      static_cast<ResampleFilter>(ReadChoice(object.Get("filter"), "options.filter", {"bilinear", "bicubic"}));
  options.keep_background = ReadChoice(object.Get("background"), "options.background", {"mean", "keep"}) == 1;
  const Napi::Array fill = ReadArray(object.Get("fill"), "options.fill", 3);
  const Napi::Array mean = ReadArray(object.Get("mean"), "options.mean", 3);
  const Napi::Array deviation = ReadArray(object.Get("deviation"), "options.deviation", 3);
  for (uint32_t channel = 0; channel < 3; ++channel) {
    options.fill[channel] = static_cast<uint8_t>(ReadInt(fill.Get(channel), "options.fill[]", 0, 255));
    options.mean[channel] = static_cast<float>(ReadNumber(mean.Get(channel), "options.mean[]", -10, 10));
    options.deviation[channel] =
        static_cast<float>(ReadNumber(deviation.Get(channel), "options.deviation[]", 1e-6, 10));
  }
  return options;
}

}  // namespace

Napi::Value CropBatch(const Napi::CallbackInfo& info) {
  Pins pins;
  const CropOptions options = ReadCropOptions(info[3], "options");
  const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  const SegmentsInput input = ReadSegments(info[1], "segments", pins);
  std::vector<uint32_t> indices = ReadIndices(info[2], "indices", input.count);
  const Span<float> output = ReadFloats(info[4], "output", kAnyLength, pins);
  return RunOnPool(
      info.Env(), "fastsamd.cropBatch", std::move(pins),
      [pixels, input, options, indices = std::move(indices), output]() -> Status {
        const Result<SharedSegments> segments = input.Checked();
        if (!segments.ok()) return segments.error();
        return fastsamd::CropBatch(pixels.view, *segments.value(), indices.data(), indices.size(), options, output.data,
                                   output.size);
      },
      [](Napi::Env env, std::monostate) { return env.Undefined(); });
}

}  // namespace fastsamd::binding
