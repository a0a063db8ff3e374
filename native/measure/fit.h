#pragma once

#include "measure/point.h"

namespace fastsamd {

struct Circle {
  Point center;
  double radius;
  /// Root mean square distance of the points from the circle.
  double rms;
};

/// The circle of Taubin's algebraic fit (1991), solved by Newton's method as in Chernov, "Circular and Linear
/// Regression" (2010). All NaN for fewer than 3 points, or points on a line.
Circle FitCircle(const Contour& points);

/// A line: points with nx * x + ny * y = offset, (nx, ny) of length 1.
struct Line {
  double nx;
  double ny;
  double offset;
  /// Centroid of the points, weighted as the fit weighs them.
  Point center;
  /// Root mean square distance of the points, weighted alike.
  double rms;
};

/// Orthogonal regression with Huber's weights (tuning constant 1.345, scale from the median absolute distance), a few
/// points that are off have little say. NaN for fewer than 2 points.
Line FitLine(const Contour& points);

}  // namespace fastsamd
