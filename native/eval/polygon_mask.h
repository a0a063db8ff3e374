#pragma once

#include <vector>

#include "core/result.h"
#include "core/segments.h"

namespace fastsamd {

/// One ring of a polygon: x0, y0, x1, y1, … in pixels, closed implicitly.
using Ring = std::vector<double>;

/// Runs of the union of `rings`, each rasterised as COCO's rleFrPoly does: edges walked on a grid five times finer,
/// a pixel's column entered where the walk crosses its centre line. Bit-identical with pycocotools, so that an
/// evaluation counts the same pixels. Coordinates outside the picture are clipped.
/// Errors: kMisuse when a side is out of 1..kMaxSide; kPromptInvalid when a ring has an odd number of values, fewer
/// than three points, or a coordinate that is not finite or beyond +-kMaxCoordinate.
Result<std::vector<Run>> PolygonMask(const std::vector<Ring>& rings, int width, int height);

inline constexpr double kMaxCoordinate = 1e5;

}  // namespace fastsamd
