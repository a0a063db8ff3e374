#include "measure/outline.h"

#include <algorithm>
#include <cmath>

namespace fastsamd {

Contour SideMiddles(const GridPoint* corners, size_t count) {
  size_t total = 0;
  for (size_t k = 0; k < count; ++k) {
    const GridPoint& from = corners[k];
    const GridPoint& to = corners[k + 1 == count ? 0 : k + 1];
    total += static_cast<size_t>(std::abs(to[0] - from[0]) + std::abs(to[1] - from[1]));
  }
  Contour middles;
  middles.reserve(total);
  for (size_t k = 0; k < count; ++k) {
    const GridPoint& from = corners[k];
    const GridPoint& to = corners[k + 1 == count ? 0 : k + 1];
    const int dx = (to[0] > from[0]) - (to[0] < from[0]);
    const int dy = (to[1] > from[1]) - (to[1] < from[1]);
    const int sides = std::abs(to[0] - from[0]) + std::abs(to[1] - from[1]);
    for (int i = 0; i < sides; ++i) middles.push_back({from[0] + dx * (i + 0.5), from[1] + dy * (i + 0.5)});
  }
  return middles;
}

Contour Resample(const Contour& contour, double step) {
  const double length = LengthOf(contour);
  const auto count = static_cast<size_t>(std::max(8.0, std::round(length / step)));
  const double spacing = length / static_cast<double>(count);
  Contour points;
  points.reserve(count);
  double position = 0;
  for (size_t k = 0; k < contour.size() && points.size() < count; ++k) {
    const Point& a = contour[k];
    const Point& b = contour[k + 1 == contour.size() ? 0 : k + 1];
    const double side = Norm(b.x - a.x, b.y - a.y);
    while (points.size() < count && static_cast<double>(points.size()) * spacing <= position + side) {
      const double t = side > 0 ? (static_cast<double>(points.size()) * spacing - position) / side : 0;
      points.push_back({a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)});
    }
    position += side;
  }
  while (points.size() < count) points.push_back(contour.front());  // rounding at the very end
  return points;
}

Contour Smooth(const Contour& contour, double step, double sigma) {
  const auto radius = static_cast<size_t>(std::ceil(3 * sigma / step));
  std::vector<double> weights(radius + 1);
  double sum = 0;
  for (size_t k = 0; k <= radius; ++k) {
    const double t = static_cast<double>(k) * step / sigma;
    weights[k] = std::exp(-t * t / 2);
    sum += k == 0 ? weights[k] : 2 * weights[k];
  }
  // Neighbours on either side as one unbroken array.
  const size_t count = contour.size();
  Contour padded(count + 2 * radius);
  size_t from = (count - radius % count) % count;
  for (Point& point : padded) {
    point = contour[from];
    from = from + 1 == count ? 0 : from + 1;
  }
  Contour smooth(count);
  for (size_t k = 0; k < count; ++k) {
    const Point* at = padded.data() + radius + k;
    double x = weights[0] * at->x;
    double y = weights[0] * at->y;
    for (size_t i = 1; i <= radius; ++i) {
      x += weights[i] * (at[i].x + (at - i)->x);
      y += weights[i] * (at[i].y + (at - i)->y);
    }
    smooth[k] = {x / sum, y / sum};
  }
  return smooth;
}

Contour SmoothOutline(const GridPoint* corners, size_t count) {
  const Contour even = Resample(SideMiddles(corners, count), 1.0);
  return Smooth(even, LengthOf(even) / static_cast<double>(even.size()), kOutlineSigma);
}

double LengthOf(const Contour& contour) {
  double length = 0;
  for (size_t k = 0; k < contour.size(); ++k) {
    const Point& a = contour[k];
    const Point& b = contour[k + 1 == contour.size() ? 0 : k + 1];
    length += std::sqrt((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y));
  }
  return length;
}

RingArea AreaOf(const Contour& contour) {
  // From a local origin, so that far away from 0 nothing cancels.
  const Point origin = contour.front();
  double twice = 0;
  double x = 0;
  double y = 0;
  for (size_t k = 0; k < contour.size(); ++k) {
    const Point& p = contour[k];
    const Point& q = contour[k + 1 == contour.size() ? 0 : k + 1];
    const Point a{p.x - origin.x, p.y - origin.y};
    const Point b{q.x - origin.x, q.y - origin.y};
    const double cross = a.x * b.y - b.x * a.y;
    twice += cross;
    x += (a.x + b.x) * cross;
    y += (a.y + b.y) * cross;
  }
  if (twice == 0) return {0, origin.x, origin.y};
  return {twice / 2, origin.x + x / (3 * twice), origin.y + y / (3 * twice)};
}

}  // namespace fastsamd
