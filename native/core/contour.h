#pragma once

#include <cstdint>
#include <vector>

#include "core/result.h"
#include "core/segments.h"
#include "core/simplify.h"

namespace fastsamd {

/// Polygons with holes, packed. Points are pixel corners (0..width, 0..height). Ring r owns the points
/// rings[r] .. rings[r + 1] - 1, polygon p the rings polygons[p] .. polygons[p + 1] - 1: its outline first, then its
/// holes. A ring is closed without repeating its first point. On screen (y down) outlines turn clockwise, holes
/// anticlockwise.
struct MultiPolygon {
  std::vector<GridPoint> points;
  std::vector<uint32_t> rings{0};
  std::vector<uint32_t> polygons{0};
};

/// Outlines of one object's runs by crack following: foreground is 4-connected, background 8-connected. With
/// `tolerance` 0 the rings are exact (filling them by the even-odd rule gives back the mask) and hold corners only;
/// otherwise Douglas-Peucker drops points that lie within `tolerance` pixels of what remains, never below 3 points.
/// Time and memory follow the number of runs and the length of the outline, not the size of the frame.
/// Errors: kMisuse for runs that do not fit the frame (ValidateRuns) or a tolerance that is negative or NaN.
Result<MultiPolygon> TracePolygons(const Run* runs, size_t count, int width, int height, float tolerance);

}  // namespace fastsamd
