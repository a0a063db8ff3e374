#include "measure/measure.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/native_segments.h"
#include "binding/shared_job.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/color.h"
#include "measure/difference.h"
#include "measure/gap.h"
#include "measure/object.h"

namespace fastsamd::binding {
namespace {

/// Behind the measures and their uncertainties: refined, weak, off, L, a, b.
constexpr size_t kExtras = 6;
/// Of the libuv pool, at most.
constexpr int kMostThreads = 1024;

struct Measured {
  std::vector<double> values;
  /// x, y of the rings of one object after another: outlines, then holes.
  std::vector<double> points;
  /// Where each ring ends in `points`, in points.
  std::vector<uint32_t> rings;
  /// Where each object ends in `rings`.
  std::vector<uint32_t> objects;
};

void Append(const std::vector<Contour>& contours, Measured& measured) {
  for (const Contour& contour : contours) {
    for (const Point& point : contour) {
      measured.points.push_back(point.x);
      measured.points.push_back(point.y);
    }
    measured.rings.push_back(static_cast<uint32_t>(measured.points.size() / 2));
  }
}

/// The objects one after another; their outlines where `outlines`.
Measured Joined(const std::vector<MeasuredObject>& objects, bool outlines) {
  Measured measured;
  measured.values.reserve(objects.size() * (2 * kMeasures + kExtras));
  const auto append = [&measured](const auto& values) {
    measured.values.insert(measured.values.end(), std::begin(values), std::end(values));
  };
  for (const auto& [shape, lab] : objects) {
    append(shape.measures.values);
    append(shape.uncertainties.values);
    const double extras[kExtras] = {shape.refined ? 1.0 : 0.0, shape.weak, shape.off, lab.l, lab.a, lab.b};
    append(extras);
    if (!outlines) continue;
    Append(shape.outlines, measured);
    Append(shape.holes, measured);
    measured.objects.push_back(static_cast<uint32_t>(measured.rings.size()));
  }
  return measured;
}

/// Measures the object at a place among `indices`.
struct ObjectPart {
  Pixels pixels;
  Result<SharedSegments> segments;
  std::shared_ptr<const std::vector<uint32_t>> indices;
  ObjectOptions options;
  Refiner refiner;

  Result<MeasuredObject> operator()(size_t place) {
    if (!segments.ok()) return segments.error();
    return MeasureObject(pixels.view, *segments.value(), (*indices)[place], options, refiner);
  }
};

/// As `packed` of src/measure/calibration.ts orders them.
Plane ReadPlane(Napi::Value value, Pins& pins) {
  const Span<double> numbers = ReadDoubles(value, "options.plane", 15, pins);
  if (!std::all_of(numbers.data, numbers.data + numbers.size, [](double number) { return std::isfinite(number); })) {
    Throw(value.Env(), {ErrorCode::kMisuse, "options.plane: expected finite numbers"});
  }
  Plane plane{};
  std::copy(numbers.data, numbers.data + 9, plane.homography.begin());
  const double* rest = numbers.data + 9;
  plane.k1 = rest[0];
  plane.k2 = rest[1];
  plane.centre = {rest[2], rest[3]};
  plane.radius = rest[4];
  plane.unit = rest[5];
  return plane;
}

Contour ReadContour(Napi::Value value, const char* name, Pins& pins) {
  const Span<double> numbers = ReadDoubles(value, name, kAnyLength, pins);
  Contour contour;
  for (size_t k = 0; k + 1 < numbers.size; k += 2) {
    if (!std::isfinite(numbers.data[k]) || !std::isfinite(numbers.data[k + 1])) {
      Throw(value.Env(), {ErrorCode::kMisuse, std::string(name) + ": expected finite coordinates"});
    }
    contour.push_back({numbers.data[k], numbers.data[k + 1]});
  }
  if (contour.empty()) Throw(value.Env(), {ErrorCode::kMisuse, std::string(name) + ": expected at least one point"});
  return contour;
}

}  // namespace

Napi::Value MeasureNames(const Napi::CallbackInfo& info) {
  const Napi::Array names = Napi::Array::New(info.Env(), kMeasures);
  for (uint32_t k = 0; k < kMeasures; ++k) names.Set(k, kMeasureNames[k]);
  return names;
}

Napi::Value MeasureObjects(const Napi::CallbackInfo& info) {
  Pins pins;
  const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  const SegmentsInput input = ReadSegments(info[1], "segments", pins);
  const auto indices = std::make_shared<const std::vector<uint32_t>>(ReadIndices(info[2], "indices", input.count));
  const Napi::Object given = ReadObject(info[3], "options");
  ObjectOptions options;
  options.refine = ReadBoolean(given.Get("refine"), "options.refine");
  options.color = ReadBoolean(given.Get("colour"), "options.colour");
  options.groups.hull = ReadBoolean(given.Get("hull"), "options.hull");
  options.groups.circle = ReadBoolean(given.Get("circle"), "options.circle");
  options.cell = ReadNumber(given.Get("cell"), "options.cell", 0, kMaxSide);
  options.min_hole_area =
      ReadNumber(given.Get("minHoleArea"), "options.minHoleArea", 0, static_cast<double>(kMaxSide) * kMaxSide);
  const bool outlines = ReadBoolean(given.Get("outlines"), "options.outlines");
  const auto threads = static_cast<size_t>(ReadInt(given.Get("threads"), "options.threads", 1, kMostThreads));
  const Napi::Value plane = given.Get("plane");
  if (!plane.IsUndefined()) options.plane = ReadPlane(plane, pins);
  const Status valid = Validate(pixels.view);
  if (!valid.ok()) Throw(info.Env(), valid.error());
  if (pixels.view.width != input.width || pixels.view.height != input.height) {
    ThrowMisuse(info.Env(), "expected a frame of the segments' size, " + std::to_string(input.width) + "x" +
                                std::to_string(input.height) + ", got " + std::to_string(pixels.view.width) + "x" +
                                std::to_string(pixels.view.height));
  }
  const auto convert = [](Napi::Env env, Measured measured) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("values", ToTypedArray<Napi::Float64Array>(env, std::move(measured.values)));
    object.Set("points", ToTypedArray<Napi::Float64Array>(env, std::move(measured.points)));
    object.Set("rings", ToTypedArray<Napi::Uint32Array>(env, std::move(measured.rings)));
    object.Set("objects", ToTypedArray<Napi::Uint32Array>(env, std::move(measured.objects)));
    return object;
  };
  return ShareOnPool<MeasuredObject>(
      info.Env(), "fastsamd.measureObjects", threads, std::move(pins), indices->size(),
      [pixels, input, options, indices] {
        return ObjectPart{pixels, input.Checked(), indices, options, {}};
      },
      [outlines](const std::vector<MeasuredObject>& objects) { return Joined(objects, outlines); }, convert);
}

Napi::Value ContourGap(const Napi::CallbackInfo& info) {
  Pins pins;
  Contour a = ReadContour(info[0], "a", pins);
  Contour b = ReadContour(info[1], "b", pins);
  return RunOnPool(
      info.Env(), "fastsamd.contourGap", std::move(pins),
      [a = std::move(a), b = std::move(b)]() -> Result<std::vector<double>> {
        const Gap gap = GapBetween(a, b);
        return std::vector<double>{gap.distance, gap.a.x, gap.a.y, gap.b.x, gap.b.y};
      },
      ToTypedArray<Napi::Float64Array, double>);
}

Napi::Value GoldenDifference(const Napi::CallbackInfo& info) {
  Pins pins;
  const Pixels golden = NativeFrame::Use(info[0], "golden", pins);
  const Pixels other = NativeFrame::Use(info[1], "frame", pins);
  const Napi::Object given = ReadObject(info[2], "options");
  DifferenceOptions options;
  options.tolerance = ReadInt(given.Get("tolerance"), "options.tolerance", 0, 16);
  options.contrast = ReadNumber(given.Get("contrast"), "options.contrast", 0, 255);
  options.reach = ReadInt(given.Get("reach"), "options.reach", 0, 64);
  options.min_area = ReadInt(given.Get("minArea"), "options.minArea", 1, kMaxSide);
  const Span<double> numbers = ReadDoubles(given.Get("pose"), "options.pose", 4, pins);
  if (!std::all_of(numbers.data, numbers.data + numbers.size, [](double number) { return std::isfinite(number); })) {
    Throw(info.Env(), {ErrorCode::kMisuse, "options.pose: expected finite numbers"});
  }
  const Pose pose{numbers.data[0], numbers.data[1], numbers.data[2], numbers.data[3]};
  std::optional<std::vector<Run>> mask;
  const Napi::Value runs = given.Get("mask");
  if (!runs.IsUndefined()) {
    const Span<uint32_t> ends = ReadUint32s(runs, "options.mask", kAnyLength, pins);
    if (ends.size % 2 != 0) Throw(info.Env(), {ErrorCode::kMisuse, "options.mask: expected pairs of numbers"});
    mask.emplace();
    for (size_t k = 0; k < ends.size; k += 2) mask->push_back({ends.data[k], ends.data[k + 1]});
  }
  return RunOnPool(
      info.Env(), "fastsamd.goldenDifference", std::move(pins),
      [golden, other, pose, options, mask = std::move(mask)]() -> Result<std::vector<double>> {
        const Result<Difference> found = DifferenceTo(golden.view, other.view, pose, mask, options);
        if (!found.ok()) return found.error();
        const Difference& difference = found.value();
        std::vector<double> values{static_cast<double>(difference.dx), static_cast<double>(difference.dy),
                                   difference.match, static_cast<double>(difference.area)};
        for (const DifferentRegion& region : difference.regions) {
          for (const double value : {static_cast<double>(region.area), region.x, region.y,
                                     static_cast<double>(region.left), static_cast<double>(region.top),
                                     static_cast<double>(region.right), static_cast<double>(region.bottom)}) {
            values.push_back(value);
          }
        }
        return values;
      },
      ToTypedArray<Napi::Float64Array, double>);
}

}  // namespace fastsamd::binding
