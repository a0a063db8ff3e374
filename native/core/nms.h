#pragma once

#include <cstddef>
#include <vector>

#include "core/candidates.h"

namespace fastsamd {

/// Greedy non-maximum suppression: the candidates by descending score (ties in the order given), without those whose
/// IoU with an earlier kept one of the same class exceeds `iou`; stops at `max_det`.
std::vector<Candidate> SuppressOverlaps(std::vector<Candidate> candidates, float iou, size_t max_det);

}  // namespace fastsamd
