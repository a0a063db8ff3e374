#pragma once

#include <cmath>

namespace fastsamd {

/// x' = xx * x + xy * y + dx, y' = yx * x + yy * y + dy: where a point of one frame lies in the next.
struct Affine {
  double xx = 1.0;
  double xy = 0.0;
  double dx = 0.0;
  double yx = 0.0;
  double yy = 1.0;
  double dy = 0.0;

  double X(double x, double y) const { return xx * x + xy * y + dx; }
  double Y(double x, double y) const { return yx * x + yy * y + dy; }
  /// The factor by which lengths grow: the square root of that by which areas do.
  double Scale() const { return std::sqrt(std::abs(xx * yy - xy * yx)); }
};

}  // namespace fastsamd
