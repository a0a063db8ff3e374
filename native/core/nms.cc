#include "core/nms.h"

#include <algorithm>

namespace fastsamd {

std::vector<Candidate> SuppressOverlaps(std::vector<Candidate> candidates, float iou, size_t max_det) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  std::vector<Candidate> kept;
  for (const Candidate& candidate : candidates) {
    if (kept.size() >= max_det) break;
    const bool suppressed = std::any_of(kept.begin(), kept.end(), [&](const Candidate& better) {
      return better.class_index == candidate.class_index && IoU(better.box, candidate.box) > iou;
    });
    if (!suppressed) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace fastsamd
