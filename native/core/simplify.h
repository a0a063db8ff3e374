#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace fastsamd {

/// A pixel corner: x, y.
using GridPoint = std::array<int32_t, 2>;

/// Douglas-Peucker on a closed ring of at least 3 points: every dropped point lies within `tolerance` of the side that
/// replaces it. Keeps at least 3 points; a tolerance of 0 keeps all.
std::vector<GridPoint> SimplifyRing(const std::vector<GridPoint>& ring, float tolerance);

}  // namespace fastsamd
