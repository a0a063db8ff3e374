#include "binding/job.h"
#include "binding/native_segments.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/bitmap.h"

namespace fastsamd::binding {

Napi::Value MaskBitmap(const Napi::CallbackInfo& info) {
  Pins pins;
  const SegmentsInput input = ReadSegments(info[0], "segments", pins);
  const int64_t last = static_cast<int64_t>(input.count) - 1;
  const auto index = static_cast<size_t>(ReadInteger(info[1], "index", 0, last));
  return RunOnPool(
      info.Env(), "fastsamd.maskBitmap", std::move(pins),
      [input, index]() -> Result<std::vector<uint8_t>> {
        const Result<SharedSegments> checked = input.Checked();
        if (!checked.ok()) return checked.error();
        const Segments& segments = *checked.value();
        std::vector<uint8_t> bitmap(static_cast<size_t>(segments.width) * static_cast<size_t>(segments.height));
        const Status done = fastsamd::MaskBitmap(segments, index, bitmap.data());
        if (!done.ok()) return done.error();
        return bitmap;
      },
      ToTypedArray<Napi::Uint8Array, uint8_t>);
}

}  // namespace fastsamd::binding
