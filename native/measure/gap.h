#pragma once

#include "measure/point.h"

namespace fastsamd {

/// The least distance of two closed lines, and where on each it is.
struct Gap {
  double distance;
  Point a;
  Point b;
};

/// Exact over all pairs of sides; pairs of stretches that cannot be nearer than the best so far are passed over. 0
/// where the lines cross or touch. Both contours have at least one point.
Gap GapBetween(const Contour& a, const Contour& b);

}  // namespace fastsamd
