#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>

#include "core/decode.h"
#include "cuda/half.h"

namespace fastsamd::cuda {

/// An anchor that passed the threshold, with its mask coefficients: all that the rest of decoding needs of the
/// detections.
struct SelectedAnchor {
  float x1;
  float y1;
  float x2;
  float y2;
  float score;
  int32_t class_index;
  int32_t anchor;
  float coefficients[kMaskChannels];
};

/// Where the selection kernel writes: `count` anchors in `anchors`, in no particular order, room for all there are.
struct Selection {
  uint32_t* count;
  SelectedAnchor* anchors;
};

FASTSAMD_DEVICE bool IsFinite(float value) { return fabsf(value) <= FLT_MAX; }

/// SelectCandidates of native/core for one anchor of detections [4 + classes + kMaskChannels, anchors] of float or
/// Half: whether it is a candidate, and if so which.
template <typename T>
FASTSAMD_DEVICE bool SelectAnchor(const T* detections, int anchors, int classes, float conf, int anchor,
                                  SelectedAnchor& selected) {
  const size_t stride = static_cast<size_t>(anchors);
  const size_t a = static_cast<size_t>(anchor);
  float best = -INFINITY;
  int32_t best_class = 0;
  for (int c = 0; c < classes; ++c) {
    const float score = Load(detections, (4 + static_cast<size_t>(c)) * stride + a);
    if (score > best) {
      best = score;
      best_class = c;
    }
  }
  if (!(best > conf) || !IsFinite(best)) return false;
  const float centre_x = Load(detections, a);
  const float centre_y = Load(detections, stride + a);
  const float width = Load(detections, 2 * stride + a);
  const float height = Load(detections, 3 * stride + a);
  selected.x1 = centre_x - width / 2.0F;
  selected.y1 = centre_y - height / 2.0F;
  selected.x2 = centre_x + width / 2.0F;
  selected.y2 = centre_y + height / 2.0F;
  if (!(width >= 0.0F && height >= 0.0F) || !IsFinite(selected.x1) || !IsFinite(selected.y1) ||
      !IsFinite(selected.x2) || !IsFinite(selected.y2)) {
    return false;
  }
  selected.score = best;
  selected.class_index = best_class;
  selected.anchor = anchor;
  for (int k = 0; k < kMaskChannels; ++k) {
    selected.coefficients[k] =
        Load(detections, (4 + static_cast<size_t>(classes) + static_cast<size_t>(k)) * stride + a);
  }
  return true;
}

}  // namespace fastsamd::cuda
