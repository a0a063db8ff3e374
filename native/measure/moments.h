#pragma once

#include <cstddef>
#include <cstdint>

#include "core/segments.h"

namespace fastsamd {

/// Moments of a mask as the area that its pixels cover (each pixel a unit square, so the second moments contain the
/// pixel's own 1/12).
struct Moments {
  /// Pixels.
  uint64_t area = 0;
  /// Centroid; NaN when the mask is empty.
  double x = 0;
  double y = 0;
  /// Second central moments divided by the area, in px^2.
  double xx = 0;
  double xy = 0;
  double yy = 0;
};

/// The ellipse with the same second moments: full axes 4 sqrt(eigenvalue) in pixels, the angle of the long axis in
/// degrees in (-90, 90], clockwise on screen. The angle of equal axes is NaN.
struct Ellipse {
  double major;
  double minor;
  double angle;
};

/// Exact sums over the runs: every run is integrated in closed form in integers. `runs` must be valid for
/// `height` (ValidateRuns); a run may cross columns.
Moments MomentsOf(const Run* runs, size_t count, int height);

Ellipse EllipseOf(const Moments& moments);

/// An angle in degrees, taken to (-90, 90].
double HalfTurn(double degrees);

}  // namespace fastsamd
