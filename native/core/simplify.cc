#include "core/simplify.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace fastsamd {
namespace {

double SquaredDistance(const GridPoint& a, const GridPoint& b) {
  const double dx = static_cast<double>(a[0]) - b[0];
  const double dy = static_cast<double>(a[1]) - b[1];
  return dx * dx + dy * dy;
}

double SquaredDistanceToSide(const GridPoint& point, const GridPoint& a, const GridPoint& b) {
  const double side_x = static_cast<double>(b[0]) - a[0];
  const double side_y = static_cast<double>(b[1]) - a[1];
  const double length = side_x * side_x + side_y * side_y;
  const double x = static_cast<double>(point[0]) - a[0];
  const double y = static_cast<double>(point[1]) - a[1];
  const double along = x * side_x + y * side_y;
  if (along <= 0.0) return SquaredDistance(point, a);
  if (along >= length) return SquaredDistance(point, b);
  const double across = x * side_y - y * side_x;
  return across * across / length;
}

struct Farthest {
  size_t index;
  double squared_distance;
};

/// Among the points strictly between `first` and `last` (which may be one past the end, meaning point 0).
Farthest FarthestFromSide(const std::vector<GridPoint>& ring, size_t first, size_t last) {
  Farthest farthest{first, -1.0};
  const GridPoint& a = ring[first];
  const GridPoint& b = ring[last == ring.size() ? 0 : last];
  for (size_t i = first + 1; i < last; ++i) {
    const double distance = SquaredDistanceToSide(ring[i], a, b);
    if (distance > farthest.squared_distance) farthest = {i, distance};
  }
  return farthest;
}

void KeepTriangle(const std::vector<GridPoint>& ring, size_t opposite, std::vector<bool>& keep) {
  const Farthest one = FarthestFromSide(ring, 0, opposite);
  const Farthest other = FarthestFromSide(ring, opposite, ring.size());
  keep[one.squared_distance >= other.squared_distance ? one.index : other.index] = true;
}

}  // namespace

std::vector<GridPoint> SimplifyRing(const std::vector<GridPoint>& ring, float tolerance) {
  if (tolerance <= 0.0F || ring.size() <= 3) return ring;
  const double limit = static_cast<double>(tolerance) * tolerance;
  size_t opposite = 1;
  for (size_t i = 2; i < ring.size(); ++i) {
    if (SquaredDistance(ring[i], ring[0]) > SquaredDistance(ring[opposite], ring[0])) opposite = i;
  }
  std::vector<bool> keep(ring.size());
  keep[0] = keep[opposite] = true;
  std::vector<std::pair<size_t, size_t>> spans{{0, opposite}, {opposite, ring.size()}};
  while (!spans.empty()) {
    const auto [first, last] = spans.back();
    spans.pop_back();
    const Farthest farthest = FarthestFromSide(ring, first, last);
    if (farthest.squared_distance <= limit) continue;
    keep[farthest.index] = true;
    spans.emplace_back(first, farthest.index);
    spans.emplace_back(farthest.index, last);
  }
  if (std::count(keep.begin(), keep.end(), true) < 3) KeepTriangle(ring, opposite, keep);

  std::vector<GridPoint> simplified;
  for (size_t i = 0; i < ring.size(); ++i) {
    if (keep[i]) simplified.push_back(ring[i]);
  }
  return simplified;
}

}  // namespace fastsamd
