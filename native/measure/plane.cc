#include "measure/plane.h"

#include <cmath>

namespace fastsamd {

Point Plane::Map(const Point& pixel) const {
  const double dx = pixel.x - centre.x;
  const double dy = pixel.y - centre.y;
  const double square = (dx * dx + dy * dy) / (radius * radius);
  const double factor = 1 + square * (k1 + square * k2);
  const double x = centre.x + dx * factor;
  const double y = centre.y + dy * factor;
  const auto& h = homography;
  const double w = (h[6] * x + h[7] * y + h[8]) * unit;
  return {(h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w};
}

std::array<double, 4> Plane::Slope(const Point& pixel) const {
  const Point left = Map({pixel.x - 0.5, pixel.y});
  const Point right = Map({pixel.x + 0.5, pixel.y});
  const Point above = Map({pixel.x, pixel.y - 0.5});
  const Point below = Map({pixel.x, pixel.y + 0.5});
  return {right.x - left.x, below.x - above.x, right.y - left.y, below.y - above.y};
}

double Plane::Scale(const Point& pixel) const {
  const auto [xx, xy, yx, yy] = Slope(pixel);
  return std::sqrt(std::abs(xx * yy - xy * yx));
}

}  // namespace fastsamd
