#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/canvas.h"
#include "core/image.h"
#include "core/result.h"

namespace fastsamd {

/// Straight pieces from point to point.
struct Polyline {
  /// x, y of each point; pixel (i, j) covers [i, i + 1) x [j, j + 1).
  const double* points = nullptr;
  size_t count = 0;
  /// Back to the first point.
  bool closed = false;
  /// 0xRRGGBB.
  uint32_t color = 0;
  /// Pixels.
  double width = 1;
};

/// Writes the frame as tight RGB (width * height * 3 bytes) into `rgb` with lines, smoothed at their sides, and stamps
/// on top of them. What lies outside the frame is left out. Errors: kMisuse (Validate of image and stamp; coordinates
/// that are not finite, a width outside 0...kMaxSide).
Status Annotate(const ImageView& image, const std::vector<Polyline>& lines, const std::vector<Stamp>& stamps,
                uint8_t* rgb);

}  // namespace fastsamd
