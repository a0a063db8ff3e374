#include "measure/outline.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace fastsamd {

Contour SideMiddles(const GridPoint* corners, size_t count) {
  size_t total = 0;
  for (size_t k = 0; k < count; ++k) {
    const GridPoint& from = corners[k];
    const GridPoint& to = corners[k + 1 == count ? 0 : k + 1];
    total += static_cast<size_t>(std::abs(to[0] - from[0]) + std::abs(to[1] - from[1]));
  }
  Contour middles(total);
  size_t size = 0;
  for (size_t k = 0; k < count; ++k) {
    const GridPoint& from = corners[k];
    const GridPoint& to = corners[k + 1 == count ? 0 : k + 1];
    const int dx = (to[0] > from[0]) - (to[0] < from[0]);
    const int dy = (to[1] > from[1]) - (to[1] < from[1]);
    const int sides = std::abs(to[0] - from[0]) + std::abs(to[1] - from[1]);
    for (int i = 0; i < sides; ++i) middles[size++] = {from[0] + dx * (i + 0.5), from[1] + dy * (i + 0.5)};
  }
  return middles;
}

namespace {

/// Points about 1 px of arc apart, at least 8, along the line through the middles of the pixel sides of one ring.
Contour EvenPoints(const GridPoint* corners, size_t count) {
  // Middles along a straight side are 1 apart, those around a corner the root of a half.
  constexpr double kAcross = 0.70710678118654752440;
  int64_t straight = 0;
  for (size_t k = 0; k < count; ++k) {
    const GridPoint& from = corners[k];
    const GridPoint& to = corners[k + 1 == count ? 0 : k + 1];
    straight += std::abs(to[0] - from[0]) + std::abs(to[1] - from[1]) - 1;
  }
  const double length = static_cast<double>(straight) + static_cast<double>(count) * kAcross;
  const auto wanted = static_cast<size_t>(std::max(8.0, std::round(length)));
  const double spacing = length / static_cast<double>(wanted);
  Contour points(wanted);
  size_t size = 0;
  double position = 0;
  for (size_t k = 0; k < count && size < wanted; ++k) {
    const GridPoint& from = corners[k];
    const GridPoint& to = corners[k + 1 == count ? 0 : k + 1];
    const GridPoint& after = corners[k + 2 >= count ? k + 2 - count : k + 2];
    const int dx = (to[0] > from[0]) - (to[0] < from[0]);
    const int dy = (to[1] > from[1]) - (to[1] < from[1]);
    const double side = std::abs(to[0] - from[0]) + std::abs(to[1] - from[1]) - 1;
    const Point first{from[0] + 0.5 * dx, from[1] + 0.5 * dy};
    for (; size < wanted; ++size) {
      const double t = static_cast<double>(size) * spacing - position;
      if (t > side) break;
      points[size] = {first.x + t * dx, first.y + t * dy};
    }
    position += side;
    // From the last middle of this side to the first one of the next.
    const Point last{to[0] - 0.5 * dx, to[1] - 0.5 * dy};
    const double turn_x = 0.5 * (dx + (after[0] > to[0]) - (after[0] < to[0]));
    const double turn_y = 0.5 * (dy + (after[1] > to[1]) - (after[1] < to[1]));
    for (; size < wanted; ++size) {
      const double t = (static_cast<double>(size) * spacing - position) / kAcross;
      if (t > 1) break;
      points[size] = {last.x + t * turn_x, last.y + t * turn_y};
    }
    position += kAcross;
  }
  for (; size < wanted; ++size) points[size] = points.front();  // rounding at the very end
  return points;
}

/// `contour` (evenly spaced points `step` apart) convolved with a Gaussian along its arc.
void Smooth(Contour& contour, double step, double sigma) {
  const auto radius = static_cast<size_t>(std::ceil(3 * sigma / step));
  std::vector<double> weights(radius + 1);
  double sum = 0;
  for (size_t k = 0; k <= radius; ++k) {
    const double t = static_cast<double>(k) * step / sigma;
    weights[k] = std::exp(-t * t / 2);
    sum += k == 0 ? weights[k] : 2 * weights[k];
  }
  // x, then y; each with neighbours on either side as one unbroken array, and the sums behind it.
  const size_t count = contour.size();
  std::vector<double> room(2 * count + 2 * radius);
  double* __restrict padded = room.data();
  double* __restrict out = room.data() + count + 2 * radius;
  for (double Point::*axis : {&Point::x, &Point::y}) {
    for (size_t k = 0; k < count; ++k) padded[radius + k] = contour[k].*axis;
    for (size_t k = 0; k < radius; ++k) {
      padded[radius + count + k] = contour[k % count].*axis;
      padded[radius - 1 - k] = contour[count - 1 - k % count].*axis;
    }
    for (size_t k = 0; k < count; ++k) out[k] = weights[0] * padded[radius + k];
    for (size_t i = 1; i <= radius; ++i) {
      const double* __restrict after = padded + radius + i;
      const double* __restrict before = padded + radius - i;
      const double weight = weights[i];
      for (size_t k = 0; k < count; ++k) out[k] += weight * (after[k] + before[k]);
    }
    const double scale = 1 / sum;
    for (size_t k = 0; k < count; ++k) contour[k].*axis = out[k] * scale;
  }
}

}  // namespace

Contour SmoothOutline(const GridPoint* corners, size_t count) {
  Contour outline = EvenPoints(corners, count);
  Smooth(outline, LengthOf(outline) / static_cast<double>(outline.size()), kOutlineSigma);
  return outline;
}

double LengthOf(const Contour& contour) {
  if (contour.empty()) return 0;
  const Point* points = contour.data();
  const size_t last = contour.size() - 1;
  double length = Norm(points[0].x - points[last].x, points[0].y - points[last].y);
  for (size_t k = 0; k < last; ++k) length += Norm(points[k + 1].x - points[k].x, points[k + 1].y - points[k].y);
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
