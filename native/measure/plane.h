#pragma once

#include <array>

#include "measure/point.h"

namespace fastsamd {

/// From the pixels of a camera to a plane that was calibrated (src/measure/calibration.ts): a lens, then a homography.
/// Lengths on the plane are counted in units that are about a pixel, so that what holds for pixels holds there too.
struct Plane {
  /// Row-major, from undistorted pixels to millimetres.
  std::array<double, 9> homography;
  /// undistorted = centre + (pixel - centre) * (1 + k1 r^2 + k2 r^4), r in `radius` pixels.
  double k1;
  double k2;
  Point centre;
  double radius;
  /// Millimetres of a unit.
  double unit;

  Point Map(const Point& pixel) const;
  /// Of a unit's length by the pixel's at a place: x along x, x along y, y along x, y along y.
  std::array<double, 4> Slope(const Point& pixel) const;
  /// Units per pixel at a place, the mean of all directions.
  double Scale(const Point& pixel) const;
};

}  // namespace fastsamd
