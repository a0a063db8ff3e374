#include "measure/hull.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "measure/moments.h"

namespace fastsamd {
namespace {

double Cross(const Point& o, const Point& a, const Point& b) {
  return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

/// Of points in ascending x, then y.
Contour HullOfSorted(const Contour& points) {
  if (points.size() < 3) return points;
  Contour hull(2 * points.size());
  size_t size = 0;
  for (const Point& point : points) {
    while (size >= 2 && Cross(hull[size - 2], hull[size - 1], point) <= 0) --size;
    hull[size++] = point;
  }
  const size_t lower = size + 1;
  for (size_t k = points.size() - 1; k-- > 0;) {
    while (size >= lower && Cross(hull[size - 2], hull[size - 1], points[k]) <= 0) --size;
    hull[size++] = points[k];
  }
  hull.resize(size - 1);
  return hull;
}

Point Middle(const Point& a, const Point& b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }

bool IsBefore(const Point& a, const Point& b) { return a.x < b.x || (a.x == b.x && a.y < b.y); }

/// Ascending x, then y: into columns first, which few points share, in linear time for points that are spread out.
void SortByPlace(Contour& points) {
  constexpr size_t kFew = 32;
  if (points.size() < kFew) {
    std::sort(points.begin(), points.end(), IsBefore);
    return;
  }
  const auto [left, right] =
      std::minmax_element(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
  const double origin = left->x;
  const double extent = right->x - origin;
  if (!(extent > 0)) {
    std::sort(points.begin(), points.end(), IsBefore);
    return;
  }
  const size_t columns = points.size();
  const double scale = static_cast<double>(columns - 1) / extent;
  std::vector<uint32_t> column_of(points.size());
  std::vector<uint32_t> ends(columns + 1);
  for (size_t k = 0; k < points.size(); ++k) {
    column_of[k] = static_cast<uint32_t>((points[k].x - origin) * scale);
    ends[column_of[k] + 1] += 1;
  }
  for (size_t k = 0; k < columns; ++k) ends[k + 1] += ends[k];
  Contour sorted(points.size());
  // From the back, so that `ends` becomes where each column begins.
  for (size_t k = points.size(); k-- > 0;) sorted[--ends[column_of[k] + 1]] = points[k];
  for (size_t k = 1; k <= columns; ++k) {
    const size_t end = k < columns ? ends[k + 1] : sorted.size();
    if (end - ends[k] > kFew) {
      std::sort(sorted.begin() + ends[k], sorted.begin() + static_cast<std::ptrdiff_t>(end), IsBefore);
    }
  }
  // Few are out of order, and none by far.
  for (size_t k = 1; k < sorted.size(); ++k) {
    const Point point = sorted[k];
    size_t to = k;
    for (; to > 0 && IsBefore(point, sorted[to - 1]); --to) sorted[to] = sorted[to - 1];
    sorted[to] = point;
  }
  points = std::move(sorted);
}

}  // namespace

Contour HullOf(Contour points) {
  SortByPlace(points);
  points.erase(std::unique(points.begin(), points.end(),
                           [](const Point& a, const Point& b) { return a.x == b.x && a.y == b.y; }),
               points.end());
  return HullOfSorted(points);
}

Contour HullOfRuns(const Run* runs, size_t count, int height) {
  // Of each column only its first and last row matter; a column's left side comes before its right side, which the next
  // column may share.
  const auto rows = static_cast<uint32_t>(height);
  Contour points;
  int64_t column = -1;
  double top = 0;
  double bottom = 0;
  const auto put = [&points](double x, double low, double high) {
    if (!points.empty() && points.back().x == x) {
      low = std::min(low, points[points.size() - 2].y);
      high = std::max(high, points.back().y);
      points.resize(points.size() - 2);
    }
    points.push_back({x, low});
    points.push_back({x, high});
  };
  const auto flush = [&] {
    if (column < 0) return;
    put(static_cast<double>(column), top, bottom);
    put(static_cast<double>(column) + 1, top, bottom);
  };
  for (size_t k = 0; k < count; ++k) {
    uint32_t start = runs[k].start;
    while (start < runs[k].end) {
      const uint32_t x = start / rows;
      const uint32_t end = std::min(runs[k].end, (x + 1) * rows);
      if (static_cast<int64_t>(x) != column) {
        flush();
        column = x;
        top = start - x * rows;
      }
      bottom = end - x * rows;
      start = end;
    }
  }
  flush();
  return HullOfSorted(points);
}

Calipers CalipersOf(const Contour& hull) {
  if (hull.size() < 3) {
    if (hull.empty()) return {{0, 0, std::nan(""), {std::nan(""), std::nan("")}}, {0, 0}};
    const Point& a = hull.front();
    const Point& b = hull.back();
    const double length = Norm(b.x - a.x, b.y - a.y);
    return {{length, 0, HalfTurn(std::atan2(b.y - a.y, b.x - a.x) * 180 / M_PI), Middle(a, b)}, {length, 0}};
  }
  const size_t count = hull.size();
  const auto next = [count](size_t k) { return k + 1 == count ? 0 : k + 1; };
  const auto square = [&](size_t i, size_t k) {
    const double dx = hull[i].x - hull[k].x;
    const double dy = hull[i].y - hull[k].y;
    return dx * dx + dy * dy;
  };
  // The corners farthest along, across and against the side; they only move forwards, and go round at most once more
  // than the side does. What is compared is scaled by the side's length.
  size_t along = 0;
  size_t across = 0;
  size_t against = 0;
  double farthest = 0;
  double least_square = std::numeric_limits<double>::infinity();
  double least_area = std::numeric_limits<double>::infinity();
  struct {
    size_t side, along, across, against;
  } best{};
  for (size_t side = 0; side < count; ++side) {
    const Point& a = hull[side];
    const size_t end = next(side);
    const double ux = hull[end].x - a.x;
    const double uy = hull[end].y - a.y;
    const auto at = [&](size_t k) { return hull[k].x * ux + hull[k].y * uy; };
    const auto height = [&](size_t k) { return hull[k].y * ux - hull[k].x * uy; };
    if (side == 0) {
      for (size_t k = 1; k < count; ++k) {
        if (at(k) > at(along)) along = k;
        if (height(k) > height(across)) across = k;
        if (at(k) < at(against)) against = k;
      }
    }
    double most_at = at(along);
    double most_height = height(across);
    double least_at = at(against);
    // The greatest distance is between the ends of a side and the corner farthest from the side.
    farthest = std::max({farthest, square(side, across), square(end, across)});
    for (size_t k = 0; k < count; ++k) {
      const double there = at(next(along));
      if (there < most_at) break;
      along = next(along);
      most_at = there;
    }
    for (size_t k = 0; k < count; ++k) {
      const double there = height(next(across));
      if (there < most_height) break;
      across = next(across);
      most_height = there;
      farthest = std::max({farthest, square(side, across), square(end, across)});
    }
    for (size_t k = 0; k < count; ++k) {
      const double there = at(next(against));
      if (there > least_at) break;
      against = next(against);
      least_at = there;
    }
    const double scale = 1 / (ux * ux + uy * uy);
    const double across_side = most_height - height(side);
    least_square = std::min(least_square, across_side * across_side * scale);
    const double area = (most_at - least_at) * across_side * scale;
    if (area >= least_area) continue;
    least_area = area;
    best = {side, along, across, against};
  }
  const Point& a = hull[best.side];
  const Point& b = hull[next(best.side)];
  const double side_length = Norm(b.x - a.x, b.y - a.y);
  const Point u{(b.x - a.x) / side_length, (b.y - a.y) / side_length};
  const double long_end = hull[best.along].x * u.x + hull[best.along].y * u.y;
  const double short_end = hull[best.against].x * u.x + hull[best.against].y * u.y;
  const double base = a.y * u.x - a.x * u.y;
  const double top = hull[best.across].y * u.x - hull[best.across].x * u.y;
  const double length = long_end - short_end;
  const double width = top - base;
  const double s = (long_end + short_end) / 2;
  const double t = (base + top) / 2;
  const Point direction = length >= width ? u : Point{-u.y, u.x};
  const Rectangle rectangle{std::max(length, width),
                            std::min(length, width),
                            HalfTurn(std::atan2(direction.y, direction.x) * 180 / M_PI),
                            {s * u.x - t * u.y, s * u.y + t * u.x}};
  return {rectangle, {std::sqrt(farthest), std::sqrt(least_square)}};
}

}  // namespace fastsamd
