#pragma once

#include <vector>

namespace fastsamd {

/// A place in a picture, in pixels: pixel (i, j) covers [i, i + 1) x [j, j + 1), y points down.
struct Point {
  double x;
  double y;
};

/// A closed line without repetition of its first point.
using Contour = std::vector<Point>;

}  // namespace fastsamd
