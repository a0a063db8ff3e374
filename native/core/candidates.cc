#include "core/candidates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace fastsamd {
namespace {

/// Anchors per pass: the best score and class of a block stay in the first level cache while the classes go by.
constexpr size_t kBlock = 1024;

struct BlockBest {
  std::array<float, kBlock> score;
  std::array<int32_t, kBlock> class_index;
};

/// Folds one class into the best so far. A NaN score never wins, as the comparison is false.
void FoldClass(const float* __restrict scores, int32_t class_index, size_t count, BlockBest& best) {
  float* __restrict best_score = best.score.data();
  int32_t* __restrict best_class = best.class_index.data();
  for (size_t i = 0; i < count; ++i) {
    const bool wins = scores[i] > best_score[i];
    best_score[i] = wins ? scores[i] : best_score[i];
    best_class[i] = wins ? class_index : best_class[i];
  }
}

bool IsUsable(const Candidate& candidate, float width, float height) {
  const BoxF& box = candidate.box;
  return std::isfinite(candidate.score) && std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
         std::isfinite(box.y2) && width >= 0.0F && height >= 0.0F;
}

}  // namespace

float IoU(const BoxF& a, const BoxF& b) {
  const float width = std::max(0.0F, std::min(a.x2, b.x2) - std::max(a.x1, b.x1));
  const float height = std::max(0.0F, std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
  const float inter = width * height;
  const float area_a = (a.x2 - a.x1) * (a.y2 - a.y1);
  const float area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
  return inter / (area_a + area_b - inter);
}

std::vector<Candidate> SelectCandidates(const RawOutputs& outputs, float conf) {
  const size_t anchors = static_cast<size_t>(outputs.anchors);
  const float* centre_x = outputs.detections;
  const float* centre_y = centre_x + anchors;
  const float* widths = centre_y + anchors;
  const float* heights = widths + anchors;
  const float* scores = heights + anchors;
  std::vector<Candidate> candidates;
  BlockBest best;
  for (size_t begin = 0; begin < anchors; begin += kBlock) {
    const size_t count = std::min(kBlock, anchors - begin);
    best.score.fill(-std::numeric_limits<float>::infinity());
    best.class_index.fill(0);
    for (int32_t c = 0; c < outputs.classes; ++c) {
      FoldClass(scores + static_cast<size_t>(c) * anchors + begin, c, count, best);
    }
    for (size_t i = 0; i < count; ++i) {
      if (!(best.score[i] > conf)) continue;
      const size_t a = begin + i;
      const float half_width = widths[a] / 2.0F;
      const float half_height = heights[a] / 2.0F;
      Candidate candidate;
      candidate.box = {centre_x[a] - half_width, centre_y[a] - half_height, centre_x[a] + half_width,
                       centre_y[a] + half_height};
      candidate.score = best.score[i];
      candidate.class_index = best.class_index[i];
      candidate.anchor = static_cast<int32_t>(a);
      if (IsUsable(candidate, widths[a], heights[a])) candidates.push_back(candidate);
    }
  }
  return candidates;
}

}  // namespace fastsamd
