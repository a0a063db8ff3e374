#include "core/objects.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/largest_part.h"
#include "core/nms.h"
#include "core/snap.h"

namespace fastsamd {
namespace {

/// One axis from input to source pixels, clipped to the frame.
float ToFrame(float position, int pad, int frame, int content) {
  const float moved = (position - static_cast<float>(pad)) * static_cast<float>(frame) / static_cast<float>(content);
  return std::clamp(moved, 0.0F, static_cast<float>(frame));
}

BoxF ToFrame(const BoxF& box, const Geometry& g) {
  return {ToFrame(box.x1, g.left, g.frame_width, g.content_width),
          ToFrame(box.y1, g.top, g.frame_height, g.content_height),
          ToFrame(box.x2, g.left, g.frame_width, g.content_width),
          ToFrame(box.y2, g.top, g.frame_height, g.content_height)};
}

/// The pixels x with x1 <= x < x2, y alike.
PixelRect PixelsOf(const BoxF& box) {
  return {static_cast<int>(std::ceil(box.x1)), static_cast<int>(std::ceil(box.y1)), static_cast<int>(std::ceil(box.x2)),
          static_cast<int>(std::ceil(box.y2))};
}

}  // namespace

PixelRect PixelsOf(const CarryRequest& request, const Geometry& geometry) {
  const auto side = [](float value, int limit) { return std::clamp(value, 0.0F, static_cast<float>(limit)); };
  return PixelsOf(BoxF{side(request.box[0], geometry.frame_width), side(request.box[1], geometry.frame_height),
                       side(request.box[2], geometry.frame_width), side(request.box[3], geometry.frame_height)});
}

void FinishCarried(uint32_t id, const Geometry& geometry, Carried& carried) {
  if (carried.offsets.empty()) carried.offsets.push_back(0);
  KeepLargestPart(carried.runs, carried.offsets.back(), static_cast<uint32_t>(geometry.frame_height));
  carried.ids.push_back(id);
  carried.offsets.push_back(static_cast<uint32_t>(carried.runs.size()));
}

Status Validate(const DecodeOptions& options) {
  if (!std::isfinite(options.conf) || !std::isfinite(options.iou) || !std::isfinite(options.snap_to_border) ||
      options.snap_to_border < 0.0F || options.max_det < 0) {
    return Error{ErrorCode::kMisuse,
                 "expected finite conf and iou thresholds, maxDet >= 0 and snapToBorder >= 0 to decode with"};
  }
  if (options.carry.size() > kMaxCarried) {
    return Error{ErrorCode::kMisuse, "expected at most " + std::to_string(kMaxCarried) + " masks to carry"};
  }
  return Ok();
}

std::vector<DetectedObject> FindObjects(std::vector<Candidate> candidates, const Geometry& geometry,
                                        const DecodeOptions& options) {
  std::vector<DetectedObject> objects;
  for (const Candidate& kept :
       SuppressOverlaps(std::move(candidates), options.iou, static_cast<size_t>(options.max_det))) {
    const BoxF box = ToFrame(SnapToBorder(kept.box, geometry, options.snap_to_border), geometry);
    objects.push_back({box, PixelsOf(box), kept.score, kept.class_index, kept.anchor});
  }
  return objects;
}

Segments NoSegments(const Geometry& geometry) {
  Segments segments;
  segments.width = geometry.frame_width;
  segments.height = geometry.frame_height;
  segments.offsets.push_back(0);
  return segments;
}

void AppendObject(const DetectedObject& object, uint32_t area, Segments& segments) {
  segments.boxes.insert(segments.boxes.end(), {object.box.x1, object.box.y1, object.box.x2, object.box.y2});
  segments.scores.push_back(object.score);
  segments.classes.push_back(object.class_index);
  segments.areas.push_back(area);
  segments.offsets.push_back(static_cast<uint32_t>(segments.runs.size()));
}

}  // namespace fastsamd
