#include "core/decode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/candidates.h"
#include "core/mask_runs.h"
#include "core/nms.h"
#include "core/snap.h"

namespace fastsamd {
namespace {

/// Anchors of a YOLOv8 head: one per cell at strides 8, 16 and 32.
size_t AnchorsOf(const Geometry& geometry) {
  const size_t pixels = static_cast<size_t>(geometry.input_width) * static_cast<size_t>(geometry.input_height);
  return pixels / (8 * 8) + pixels / (16 * 16) + pixels / (32 * 32);
}

Status ValidateOutputs(const RawOutputs& outputs, const Geometry& geometry) {
  if (outputs.detections == nullptr || outputs.proto == nullptr) {
    return Error{ErrorCode::kMisuse, "expected detections and proto masks to decode, got none"};
  }
  if (outputs.classes < 1) {
    return Error{ErrorCode::kModelUnsupported,
                 "expected a model with at least one class score, got " + std::to_string(outputs.classes)};
  }
  const size_t expected = AnchorsOf(geometry);
  if (outputs.anchors < 1 || static_cast<size_t>(outputs.anchors) != expected) {
    return Error{ErrorCode::kModelUnsupported,
                 "expected " + std::to_string(expected) + " anchors for a " + std::to_string(geometry.input_width) +
                     "x" + std::to_string(geometry.input_height) + " input, got " + std::to_string(outputs.anchors)};
  }
  return Ok();
}

Status ValidateOptions(const DecodeOptions& options) {
  if (!std::isfinite(options.conf) || !std::isfinite(options.iou) || !std::isfinite(options.snap_to_border) ||
      options.snap_to_border < 0.0F || options.max_det < 0) {
    return Error{ErrorCode::kMisuse,
                 "expected finite conf and iou thresholds, maxDet >= 0 and snapToBorder >= 0 to decode with"};
  }
  return Ok();
}

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

std::array<float, kMaskChannels> CoefficientsOf(const RawOutputs& outputs, int32_t anchor) {
  const size_t anchors = static_cast<size_t>(outputs.anchors);
  const float* column =
      outputs.detections + (4 + static_cast<size_t>(outputs.classes)) * anchors + static_cast<size_t>(anchor);
  std::array<float, kMaskChannels> coefficients{};
  for (size_t k = 0; k < kMaskChannels; ++k) coefficients[k] = column[k * anchors];
  return coefficients;
}

}  // namespace

Result<Segments> Decode(const RawOutputs& outputs, const Geometry& geometry, const DecodeOptions& options) {
  if (Status valid = Validate(geometry); !valid.ok()) return valid.error();
  if (Status valid = ValidateOutputs(outputs, geometry); !valid.ok()) return valid.error();
  if (Status valid = ValidateOptions(options); !valid.ok()) return valid.error();

  const std::vector<Candidate> objects =
      SuppressOverlaps(SelectCandidates(outputs, options.conf), options.iou, static_cast<size_t>(options.max_det));
  Segments segments;
  segments.width = geometry.frame_width;
  segments.height = geometry.frame_height;
  segments.offsets.push_back(0);
  MaskRunWriter masks(outputs.proto, geometry);
  for (const Candidate& object : objects) {
    const BoxF box = ToFrame(SnapToBorder(object.box, geometry, options.snap_to_border), geometry);
    const auto coefficients = CoefficientsOf(outputs, object.anchor);
    segments.boxes.insert(segments.boxes.end(), {box.x1, box.y1, box.x2, box.y2});
    segments.scores.push_back(object.score);
    segments.classes.push_back(object.class_index);
    segments.areas.push_back(masks.Append(coefficients.data(), PixelsOf(box), segments.runs));
    segments.offsets.push_back(static_cast<uint32_t>(segments.runs.size()));
  }
  return segments;
}

}  // namespace fastsamd
