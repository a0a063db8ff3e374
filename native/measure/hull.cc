#include "measure/hull.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

/// Walks once around a hull, giving `visit` for each side: its unit direction, its first corner, and the farthest
/// corners along, across and against the side.
template <typename Visit>
void RotateCalipers(const Contour& hull, Visit visit) {
  const size_t count = hull.size();
  const auto next = [count](size_t k) { return k + 1 == count ? 0 : k + 1; };
  size_t along = 0;
  size_t across = 0;
  size_t against = 0;
  for (size_t side = 0; side < count; ++side) {
    const Point& a = hull[side];
    const Point& b = hull[next(side)];
    const double length = Norm(b.x - a.x, b.y - a.y);
    const Point u{(b.x - a.x) / length, (b.y - a.y) / length};
    const auto at = [&](size_t k) { return hull[k].x * u.x + hull[k].y * u.y; };
    const auto height = [&](size_t k) { return hull[k].y * u.x - hull[k].x * u.y; };
    // The three only move forwards; each goes round at most once more than `side` does.
    if (side == 0) {
      for (size_t k = 1; k < count; ++k) {
        if (at(k) > at(along)) along = k;
        if (height(k) > height(across)) across = k;
        if (at(k) < at(against)) against = k;
      }
    } else {
      for (size_t k = 0; k < count && at(next(along)) >= at(along); ++k) along = next(along);
      for (size_t k = 0; k < count && height(next(across)) >= height(across); ++k) across = next(across);
      for (size_t k = 0; k < count && at(next(against)) <= at(against); ++k) against = next(against);
    }
    visit(u, a, hull[along], hull[across], hull[against]);
  }
}

}  // namespace

Contour HullOf(Contour points) {
  std::sort(points.begin(), points.end(),
            [](const Point& a, const Point& b) { return a.x < b.x || (a.x == b.x && a.y < b.y); });
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

Rectangle SmallestRectangle(const Contour& hull) {
  if (hull.size() < 3) {
    if (hull.empty()) return {0, 0, std::nan(""), {std::nan(""), std::nan("")}};
    const Point& a = hull.front();
    const Point& b = hull.back();
    return {Norm(b.x - a.x, b.y - a.y), 0, HalfTurn(std::atan2(b.y - a.y, b.x - a.x) * 180 / M_PI), Middle(a, b)};
  }
  double least = std::numeric_limits<double>::infinity();
  Rectangle best{};
  Point direction{1, 0};
  RotateCalipers(hull,
                 [&](const Point& u, const Point& a, const Point& along, const Point& across, const Point& against) {
                   const double long_end = along.x * u.x + along.y * u.y;
                   const double short_end = against.x * u.x + against.y * u.y;
                   const double base = a.y * u.x - a.x * u.y;
                   const double top = across.y * u.x - across.x * u.y;
                   const double length = long_end - short_end;
                   const double width = top - base;
                   if (length * width >= least) return;
                   least = length * width;
                   const double s = (long_end + short_end) / 2;
                   const double t = (base + top) / 2;
                   direction = length >= width ? u : Point{-u.y, u.x};
                   best = {std::max(length, width), std::min(length, width), 0, {s * u.x - t * u.y, s * u.y + t * u.x}};
                 });
  best.angle = HalfTurn(std::atan2(direction.y, direction.x) * 180 / M_PI);
  return best;
}

Feret FeretOf(const Contour& hull) {
  if (hull.size() < 3) return {SmallestRectangle(hull).length, 0};
  double most = 0;
  double least = std::numeric_limits<double>::infinity();
  // The greatest distance is between antipodal corners: the ends of a side and the corner farthest from the side.
  const size_t count = hull.size();
  size_t far = 1;
  for (size_t side = 0; side < count; ++side) {
    const Point& a = hull[side];
    const Point& b = hull[side + 1 == count ? 0 : side + 1];
    const auto next = [count](size_t k) { return k + 1 == count ? 0 : k + 1; };
    for (size_t k = 0; k < count && Cross(a, b, hull[next(far)]) >= Cross(a, b, hull[far]); ++k) {
      far = next(far);
      most = std::max({most, Norm(hull[far].x - a.x, hull[far].y - a.y), Norm(hull[far].x - b.x, hull[far].y - b.y)});
    }
    most = std::max({most, Norm(hull[far].x - a.x, hull[far].y - a.y), Norm(hull[far].x - b.x, hull[far].y - b.y)});
    least = std::min(least, Cross(a, b, hull[far]) / Norm(b.x - a.x, b.y - a.y));
  }
  return {most, least};
}

}  // namespace fastsamd
