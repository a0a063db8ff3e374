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
  // Each point is on one side of the line between the ends, and a corner of the chain on that side or none. Which side
  // comes next is not foretold by anything, so there is no branch for it.
  const Point& left = points.front();
  const Point& right = points.back();
  std::vector<uint32_t> sides(2 * points.size());
  uint32_t* above = sides.data();
  uint32_t* below = above + points.size();
  size_t aboves = 0;
  size_t belows = 0;
  for (size_t k = 1; k + 1 < points.size(); ++k) {
    const double side = Cross(left, right, points[k]);
    above[aboves] = below[belows] = static_cast<uint32_t>(k);
    aboves += side < 0 ? 1 : 0;
    belows += side > 0 ? 1 : 0;
  }
  Contour hull(aboves + belows + 3);
  size_t size = 0;
  // Onto the chain that begins at `first`, without the points before that are superfluous then.
  const auto append = [&](size_t first, const Point& point) {
    while (size >= first + 2 && Cross(hull[size - 2], hull[size - 1], point) <= 0) --size;
    hull[size++] = point;
  };
  append(0, left);
  for (size_t k = 0; k < aboves; ++k) append(0, points[above[k]]);
  append(0, right);
  const size_t first = size - 1;
  for (size_t k = belows; k-- > 0;) append(first, points[below[k]]);
  append(first, left);
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
  // Corners, and the sides that begin at them; the first two again at the end.
  std::vector<Point> corners(hull.size() + 2);
  std::vector<Point> sides(hull.size() + 2);
  std::copy(hull.begin(), hull.end(), corners.begin());
  std::copy(hull.begin(), hull.begin() + 2, corners.begin() + static_cast<std::ptrdiff_t>(count));
  for (size_t k = 0; k < count; ++k) sides[k] = {corners[k + 1].x - corners[k].x, corners[k + 1].y - corners[k].y};
  std::copy(sides.begin(), sides.begin() + 2, sides.begin() + static_cast<std::ptrdiff_t>(count));
  // The corners farthest along, across and against the side: as long as the side that begins there goes on in that
  // direction, the next one is farther. They only move forwards, and go round at most once more than the side does.
  size_t along = 1;
  size_t across = 1;
  size_t against = 1;
  const auto forward = [&](size_t& corner, auto goes_on) {
    // One or two steps are usual, and which of them nothing foretells.
    const bool once = goes_on(sides[corner]);
    const bool twice = goes_on(sides[corner + 1]);
    corner += static_cast<size_t>(once) + static_cast<size_t>(once & twice);
    if (corner >= count) corner -= count;
    for (size_t k = 0; once && twice && k < count && goes_on(sides[corner]); ++k)
      corner = corner + 1 == count ? 0 : corner + 1;
  };
  const auto square = [&](size_t i, size_t k) {
    const double dx = corners[i].x - corners[k].x;
    const double dy = corners[i].y - corners[k].y;
    return dx * dx + dy * dy;
  };
  double farthest = 0;
  double least_square = std::numeric_limits<double>::infinity();
  double least_area = std::numeric_limits<double>::infinity();
  struct {
    size_t side, along, across, against;
  } best{};
  for (size_t side = 0; side < count; ++side) {
    const Point u = sides[side];
    forward(along, [&](const Point& v) { return u.x * v.x + u.y * v.y > 0; });
    if (side == 0) across = along;
    forward(across, [&](const Point& v) { return u.x * v.y - u.y * v.x > 0; });
    if (side == 0) against = across;
    forward(against, [&](const Point& v) { return u.x * v.x + u.y * v.y < 0; });
    // Of two corners that are farthest from each other, one is farthest from a side that ends at the other.
    farthest = std::max({farthest, square(side, across), square(side + 1, across)});
    // What is compared is scaled by the side's length.
    const double scale = 1 / (u.x * u.x + u.y * u.y);
    const auto between = [&](size_t to, size_t from) {
      return Point{corners[to].x - corners[from].x, corners[to].y - corners[from].y};
    };
    const Point height = between(across, side);
    const Point length = between(along, against);
    const double across_side = u.x * height.y - u.y * height.x;
    least_square = std::min(least_square, across_side * across_side * scale);
    const double area = (u.x * length.x + u.y * length.y) * across_side * scale;
    if (area >= least_area) continue;
    least_area = area;
    best = {side, along, across, against};
  }
  const Point& a = hull[best.side];
  const Point& b = corners[best.side + 1];
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
