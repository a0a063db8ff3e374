#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "binding/job.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/image.h"
#include "core/rle.h"
#include "eval/boundary_match.h"
#include "eval/mask_overlap.h"
#include "eval/polygon_mask.h"

namespace fastsamd::binding {
namespace {

constexpr size_t kMaxRings = 100'000;
constexpr size_t kMaxMasks = 1'000'000;
constexpr size_t kMaxCountsBytes = 16 * 1024 * 1024;
constexpr size_t kMaxAnnotators = 64;

/// Checks that runs of JS memory ascend within a picture: an evaluation reads files that anybody may have written.
RunSpan ReadRuns(Napi::Value value, const char* name, Pins& pins) {
  const Span<uint32_t> numbers = ReadUint32s(value, name, kAnyLength, pins);
  return {reinterpret_cast<const Run*>(numbers.data), numbers.size / 2};
}

/// Masks of one picture as JS gave them: runs in JS memory, or COCO's compressed counts or polygons, which the pool
/// decodes.
struct Masks {
  std::vector<RunSpan> spans;
  /// For each mask: its counts or its rings; both empty where `spans` has the runs.
  std::vector<std::string> counts;
  std::vector<std::vector<Ring>> rings;
  /// Decoded counts and rings, which `spans` points into.
  std::vector<std::vector<Run>> decoded;
};

/// A polygon: rings of x and y in turn.
std::vector<Ring> ReadRings(Napi::Value value) {
  const Napi::Array array = ReadArray(value, "rings", kMaxRings);
  std::vector<Ring> rings;
  rings.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(array.Env());
    const Napi::Array numbers = ReadArray(array.Get(i), "ring", kMaxRings);
    Ring ring(numbers.Length());
    for (uint32_t k = 0; k < numbers.Length(); ++k) {
      ring[k] = ReadNumber(numbers.Get(k), "polygon coordinate", -kMaxCoordinate, kMaxCoordinate);
    }
    rings.push_back(std::move(ring));
  }
  return rings;
}

Masks ReadMasks(Napi::Value value, const char* name, Pins& pins) {
  const Napi::Array array = ReadArray(value, name, kMaxMasks);
  const uint32_t length = array.Length();
  Masks masks;
  masks.spans.resize(length);
  masks.counts.resize(length);
  masks.rings.resize(length);
  for (uint32_t i = 0; i < length; ++i) {
    const Napi::HandleScope scope(array.Env());
    const Napi::Value mask = array.Get(i);
    if (mask.IsString()) {
      masks.counts[i] = ReadString(mask, name, kMaxCountsBytes);
    } else if (mask.IsArray()) {
      masks.rings[i] = ReadRings(mask);
    } else {
      masks.spans[i] = ReadRuns(mask, name, pins);
    }
  }
  return masks;
}

/// Errors: kPromptInvalid for counts that do not describe a mask of `width` x `height`, and those of PolygonMask.
std::optional<Error> DecodeMasks(Masks& masks, int width, int height) {
  masks.decoded.reserve(masks.counts.size());
  for (size_t i = 0; i < masks.counts.size(); ++i) {
    if (masks.counts[i].empty() && masks.rings[i].empty()) continue;
    Result<std::vector<Run>> runs = masks.rings[i].empty() ? fastsamd::DecodeRle(masks.counts[i], width, height)
                                                           : fastsamd::PolygonMask(masks.rings[i], width, height);
    if (!runs.ok()) return runs.error();
    masks.decoded.push_back(std::move(runs).value());
    masks.spans[i] = {masks.decoded.back().data(), masks.decoded.back().size()};
  }
  return std::nullopt;
}

struct OverlapsAndAreas {
  std::vector<double> overlaps;
  std::vector<double> areas;
};

}  // namespace

Napi::Value PolygonMask(const Napi::CallbackInfo& info) {
  const std::vector<Ring> rings = ReadRings(info[0]);
  const int width = ReadInt(info[1], "width", 1, kMaxSide);
  const int height = ReadInt(info[2], "height", 1, kMaxSide);
  Result<std::vector<Run>> runs = fastsamd::PolygonMask(rings, width, height);
  if (!runs.ok()) Throw(info.Env(), runs.error());
  return ToTypedArray<Napi::Uint32Array>(info.Env(), std::move(runs).value());
}

Napi::Value MaskOverlaps(const Napi::CallbackInfo& info) {
  Pins pins;
  Masks detections = ReadMasks(info[0], "detections", pins);
  Masks truths = ReadMasks(info[1], "truths", pins);
  const Span<uint8_t> flags = ReadBytes(info[2], "crowd", truths.spans.size(), pins);
  std::vector<uint8_t> crowd(flags.data, flags.data + flags.size);
  const Span<int32_t> left = ReadInt32s(info[3], "detectionGroups", detections.spans.size(), pins);
  const Span<int32_t> right = ReadInt32s(info[4], "truthGroups", truths.spans.size(), pins);
  std::vector<int32_t> detection_groups(left.data, left.data + left.size);
  std::vector<int32_t> truth_groups(right.data, right.data + right.size);
  const int width = ReadInt(info[5], "width", 1, kMaxSide);
  const int height = ReadInt(info[6], "height", 1, kMaxSide);
  return RunOnPool(
      info.Env(), "fastsamd.maskOverlaps", std::move(pins),
      [detections = std::move(detections), truths = std::move(truths), crowd = std::move(crowd),
       detection_groups = std::move(detection_groups), truth_groups = std::move(truth_groups), width,
       height]() mutable -> Result<OverlapsAndAreas> {
        if (std::optional<Error> wrong = DecodeMasks(detections, width, height)) return *std::move(wrong);
        if (std::optional<Error> wrong = DecodeMasks(truths, width, height)) return *std::move(wrong);
        OverlapsAndAreas result;
        result.overlaps = fastsamd::MaskOverlaps(detections.spans, truths.spans, crowd, detection_groups, truth_groups);
        result.areas.reserve(detections.spans.size());
        for (const RunSpan& mask : detections.spans) result.areas.push_back(static_cast<double>(MaskArea(mask)));
        return result;
      },
      [](Napi::Env env, OverlapsAndAreas result) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("overlaps", ToTypedArray<Napi::Float64Array>(env, std::move(result.overlaps)));
        object.Set("areas", ToTypedArray<Napi::Float64Array>(env, std::move(result.areas)));
        return object;
      });
}

Napi::Value CountBoundaries(const Napi::CallbackInfo& info) {
  Pins pins;
  const int width = ReadInt(info[2], "width", 1, kMaxSide);
  const int height = ReadInt(info[3], "height", 1, kMaxSide);
  const size_t size = static_cast<size_t>(width) * static_cast<size_t>(height);
  const Span<uint8_t> map = ReadBytes(info[0], "map", size, pins);
  const Napi::Array array = ReadArray(info[1], "truths", kMaxAnnotators);
  std::vector<Span<uint8_t>> truths;
  for (uint32_t i = 0; i < array.Length(); ++i) truths.push_back(ReadBytes(array.Get(i), "truth", size, pins));
  const double threshold = ReadNumber(info[4], "threshold", 0, 1);
  const double max_distance = ReadNumber(info[5], "maxDistance", 0, 1000);
  return RunOnPool(
      info.Env(), "fastsamd.countBoundaries", std::move(pins),
      [=, truths = std::move(truths)]() -> Result<BoundaryCounts> {
        std::vector<std::vector<uint8_t>> copies;
        for (const Span<uint8_t>& truth : truths) copies.emplace_back(truth.data, truth.data + truth.size);
        return fastsamd::CountBoundaries({map.data, map.data + map.size}, copies, width, height, threshold,
                                         max_distance);
      },
      [](Napi::Env env, const BoundaryCounts& counts) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("recalled", static_cast<double>(counts.recalled));
        object.Set("annotated", static_cast<double>(counts.annotated));
        object.Set("precise", static_cast<double>(counts.precise));
        object.Set("detected", static_cast<double>(counts.detected));
        return object;
      });
}

}  // namespace fastsamd::binding
