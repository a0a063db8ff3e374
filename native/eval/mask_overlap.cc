#include "eval/mask_overlap.h"

#include <algorithm>
#include <unordered_map>

namespace fastsamd {

uint64_t MaskArea(RunSpan mask) {
  uint64_t area = 0;
  for (size_t k = 0; k < mask.count; ++k) area += mask.runs[k].end - mask.runs[k].start;
  return area;
}

uint64_t IntersectionArea(RunSpan a, RunSpan b) {
  uint64_t area = 0;
  size_t i = 0;
  size_t j = 0;
  while (i < a.count && j < b.count) {
    const Run left = a.runs[i];
    const Run right = b.runs[j];
    const uint32_t start = std::max(left.start, right.start);
    const uint32_t end = std::min(left.end, right.end);
    if (start < end) area += end - start;
    // The run that ends first can meet nothing further.
    if (left.end <= right.end) ++i;
    if (right.end <= left.end) ++j;
  }
  return area;
}

std::vector<double> MaskOverlaps(const std::vector<RunSpan>& detections, const std::vector<RunSpan>& truths,
                                 const std::vector<uint8_t>& crowd, const std::vector<int32_t>& detection_groups,
                                 const std::vector<int32_t>& truth_groups) {
  std::vector<uint64_t> truth_areas;
  truth_areas.reserve(truths.size());
  std::unordered_map<int32_t, std::vector<size_t>> members;
  for (size_t t = 0; t < truths.size(); ++t) {
    truth_areas.push_back(MaskArea(truths[t]));
    members[truth_groups[t]].push_back(t);
  }
  std::vector<double> overlaps;
  for (size_t d = 0; d < detections.size(); ++d) {
    const auto group = members.find(detection_groups[d]);
    if (group == members.end()) continue;
    const size_t row = overlaps.size();
    overlaps.resize(row + group->second.size());
    const RunSpan detection = detections[d];
    const uint64_t area = MaskArea(detection);
    if (area == 0) continue;
    const uint32_t first = detection.runs[0].start;
    const uint32_t last = detection.runs[detection.count - 1].end;
    for (size_t k = 0; k < group->second.size(); ++k) {
      const size_t t = group->second[k];
      const RunSpan truth = truths[t];
      // Masks whose columns do not meet have nothing in common.
      if (truth.count == 0 || truth.runs[0].start >= last || truth.runs[truth.count - 1].end <= first) continue;
      const uint64_t common = IntersectionArea(detection, truth);
      if (common == 0) continue;
      const uint64_t together = crowd[t] != 0 ? area : area + truth_areas[t] - common;
      overlaps[row + k] = static_cast<double>(common) / static_cast<double>(together);
    }
  }
  return overlaps;
}

}  // namespace fastsamd
