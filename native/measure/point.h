#pragma once

#include <cmath>
#include <vector>

namespace fastsamd {

/// A place in a picture, in pixels: pixel (i, j) covers [i, i + 1) x [j, j + 1), y points down.
struct Point {
  double x;
  double y;
};

/// Length of (x, y), which is far from overflow: std::hypot takes five times as long.
inline double Norm(double x, double y) { return std::sqrt(x * x + y * y); }

/// A closed line without repetition of its first point.
using Contour = std::vector<Point>;

}  // namespace fastsamd
