#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/segments.h"

namespace fastsamd {

/// Runs in somebody else's memory: ascending, not touching.
struct RunSpan {
  const Run* runs = nullptr;
  size_t count = 0;
};

/// Pixels of a mask.
uint64_t MaskArea(RunSpan mask);

/// Pixels in both masks.
uint64_t IntersectionArea(RunSpan a, RunSpan b);

/// IoU of every detection with the truths of its group, one row after the other: as long as the group, in the order of
/// the truths. COCO's definition, in which a crowd's union is the detection alone. `crowd` has one flag a truth.
std::vector<double> MaskOverlaps(const std::vector<RunSpan>& detections, const std::vector<RunSpan>& truths,
                                 const std::vector<uint8_t>& crowd, const std::vector<int32_t>& detection_groups,
                                 const std::vector<int32_t>& truth_groups);

}  // namespace fastsamd
