#pragma once

#include <cstdint>
#include <vector>

#include "core/decode.h"

namespace fastsamd {

/// Corners in input (letterbox) pixels.
struct BoxF {
  float x1 = 0.0F;
  float y1 = 0.0F;
  float x2 = 0.0F;
  float y2 = 0.0F;
};

/// Intersection over union; NaN when both boxes are empty, which compares false with every threshold.
float IoU(const BoxF& a, const BoxF& b);

/// One anchor that passed the confidence threshold.
struct Candidate {
  BoxF box;
  float score = 0.0F;
  int32_t class_index = 0;
  /// Column of the detections, where its mask coefficients are.
  int32_t anchor = 0;
};

/// Anchors whose best class scores more than `conf`, in the order of the anchors. An anchor with a NaN or infinite
/// score or box, or with a negative size, is no candidate.
std::vector<Candidate> SelectCandidates(const RawOutputs& outputs, float conf);

}  // namespace fastsamd
