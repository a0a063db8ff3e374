#include "binding/job.h"
#include "binding/native_segments.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/contour.h"

namespace fastsamd::binding {
namespace {

Napi::Array ToArray(Napi::Env env, const MultiPolygon& object) {
  const Napi::Array polygons = Napi::Array::New(env, object.polygons.size() - 1);
  for (uint32_t p = 0; p + 1 < object.polygons.size(); ++p) {
    const uint32_t first_ring = object.polygons[p];
    const Napi::Array rings = Napi::Array::New(env, object.polygons[p + 1] - first_ring);
    for (uint32_t r = first_ring; r < object.polygons[p + 1]; ++r) {
      const Napi::HandleScope scope(env);
      const uint32_t first_point = object.rings[r];
      const uint32_t count = object.rings[r + 1] - first_point;
      // Closed as RFC 7946 wants linear rings: the first position is also the last.
      const Napi::Array points = Napi::Array::New(env, count + 1);
      for (uint32_t k = 0; k <= count; ++k) {
        const GridPoint& corner = object.points[first_point + k % count];
        const Napi::Array point = Napi::Array::New(env, 2);
        point.Set(uint32_t{0}, corner[0]);
        point.Set(uint32_t{1}, corner[1]);
        points.Set(k, point);
      }
      rings.Set(r - first_ring, points);
    }
    polygons.Set(p, rings);
  }
  return polygons;
}

}  // namespace

Napi::Value Polygons(const Napi::CallbackInfo& info) {
  Pins pins;
  const SegmentsInput input = ReadSegments(info[0], "segments", pins);
  std::vector<uint32_t> indices = ReadIndices(info[1], "indices", input.count);
  const auto tolerance = static_cast<float>(ReadNumber(info[2], "tolerance", 0, kMaxSide));
  return RunOnPool(
      info.Env(), "fastsamd.polygons", std::move(pins),
      [input, tolerance, indices = std::move(indices)]() -> Result<std::vector<MultiPolygon>> {
        const Result<SharedSegments> checked = input.Checked();
        if (!checked.ok()) return checked.error();
        const Segments& segments = *checked.value();
        std::vector<MultiPolygon> objects;
        objects.reserve(indices.size());
        for (const uint32_t index : indices) {
          const uint32_t first = segments.offsets[index];
          Result<MultiPolygon> traced = TracePolygons(segments.runs.data() + first, segments.offsets[index + 1] - first,
                                                      segments.width, segments.height, tolerance);
          if (!traced.ok()) return traced.error();
          objects.push_back(std::move(traced).value());
        }
        return objects;
      },
      [](Napi::Env env, const std::vector<MultiPolygon>& objects) {
        const Napi::Array array = Napi::Array::New(env, objects.size());
        for (uint32_t i = 0; i < objects.size(); ++i) array.Set(i, ToArray(env, objects[i]));
        return array;
      });
}

}  // namespace fastsamd::binding
