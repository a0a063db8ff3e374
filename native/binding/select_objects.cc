#include <utility>

#include "binding/job.h"
#include "binding/native_segments.h"
#include "binding/values.h"
#include "binding/verbs.h"

namespace fastsamd::binding {

Napi::Value SelectObjects(const Napi::CallbackInfo& info) {
  Pins pins;
  const SegmentsInput input = ReadSegments(info[0], "segments", pins);
  std::vector<uint32_t> indices = ReadIndices(info[1], "indices", input.count);
  return RunOnPool(
      info.Env(), "fastsamd.selectObjects", std::move(pins),
      [input, indices = std::move(indices)]() -> Result<OutgoingSegments> {
        const Result<SharedSegments> segments = input.Checked();
        if (!segments.ok()) return segments.error();
        return Outgoing(Select(*segments.value(), indices));
      },
      [](Napi::Env env, OutgoingSegments segments) { return ToObject(env, std::move(segments)); });
}

}  // namespace fastsamd::binding
