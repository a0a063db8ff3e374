#include "binding/job.h"
#include "binding/native_segments.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/rle.h"

namespace fastsamd::binding {

Napi::Value EncodeRle(const Napi::CallbackInfo& info) {
  Pins pins;
  const SegmentsInput input = ReadSegments(info[0], "segments", pins);
  std::vector<uint32_t> indices = ReadIndices(info[1], "indices", input.count);
  return RunOnPool(
      info.Env(), "fastsamd.encodeRle", std::move(pins),
      [input, indices = std::move(indices)]() -> Result<std::vector<std::string>> {
        const Result<SharedSegments> checked = input.Checked();
        if (!checked.ok()) return checked.error();
        const Segments& segments = *checked.value();
        const uint64_t pixels = static_cast<uint64_t>(segments.width) * static_cast<uint64_t>(segments.height);
        std::vector<std::string> counts;
        counts.reserve(indices.size());
        for (const uint32_t index : indices) {
          const uint32_t first = segments.offsets[index];
          counts.push_back(
              fastsamd::EncodeRle(segments.runs.data() + first, segments.offsets[index + 1] - first, pixels));
        }
        return counts;
      },
      [](Napi::Env env, const std::vector<std::string>& counts) {
        const Napi::Array array = Napi::Array::New(env, counts.size());
        for (uint32_t i = 0; i < counts.size(); ++i) array.Set(i, counts[i]);
        return array;
      });
}

}  // namespace fastsamd::binding
