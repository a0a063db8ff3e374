#include "core/contour.h"

#include <algorithm>
#include <string>

#include "core/image.h"
#include "core/simplify.h"

namespace fastsamd {
namespace {

/// The part of a run in one column: rows y0 <= y < y1. Its upper crack is edge 2 * index and leads right, its lower
/// crack is edge 2 * index + 1 and leads left, so that the foreground lies to the right of the way.
struct Interval {
  int32_t x;
  int32_t y0;
  int32_t y1;
};

std::vector<Interval> SplitByColumn(const Run* runs, size_t count, uint32_t height) {
  std::vector<Interval> intervals;
  intervals.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    for (uint32_t start = runs[i].start; start < runs[i].end;) {
      const uint32_t x = start / height;
      const uint32_t end = std::min(runs[i].end, (x + 1) * height);
      intervals.push_back(
          {static_cast<int32_t>(x), static_cast<int32_t>(start - x * height), static_cast<int32_t>(end - x * height)});
      start = end;
    }
  }
  return intervals;
}

/// Links every horizontal crack to the one that follows it, and labels the 4-connected components.
///
/// A sweep over the vertical grid lines. On the line between two columns the ends of their intervals, by ascending y,
/// are the only places where an outline can turn; a vertical crack lies between two ends in a row wherever just one
/// of the columns is foreground. Where four cracks meet, the way turns right, which keeps diagonal neighbours apart.
class CrackLinker {
 public:
  explicit CrackLinker(const std::vector<Interval>& intervals)
      : intervals_(intervals), next_(intervals.size() * 2), parent_(intervals.size()) {
    for (uint32_t i = 0; i < parent_.size(); ++i) parent_[i] = i;
    size_t left_begin = 0;
    size_t left_end = 0;
    size_t begin = 0;
    while (begin < intervals.size()) {
      size_t end = begin;
      while (end < intervals.size() && intervals[end].x == intervals[begin].x) ++end;
      const bool adjacent = left_end > left_begin && intervals[left_begin].x + 1 == intervals[begin].x;
      if (!adjacent) {
        LinkLine(left_begin, left_end, begin, begin);
        left_begin = left_end = begin;
      }
      LinkLine(left_begin, left_end, begin, end);
      left_begin = begin;
      left_end = end;
      begin = end;
    }
    LinkLine(left_begin, left_end, begin, begin);
  }

  uint32_t Next(uint32_t edge) const { return next_[edge]; }

  uint32_t Component(uint32_t interval) {
    while (parent_[interval] != interval) {
      parent_[interval] = parent_[parent_[interval]];
      interval = parent_[interval];
    }
    return interval;
  }

 private:
  /// One end of an interval; even edges are upper ends.
  int32_t EndOf(size_t edge) const {
    const Interval& interval = intervals_[edge / 2];
    return edge % 2 == 0 ? interval.y0 : interval.y1;
  }

  void Join(size_t a, size_t b) {
    const uint32_t root_a = Component(static_cast<uint32_t>(a));
    const uint32_t root_b = Component(static_cast<uint32_t>(b));
    parent_[std::max(root_a, root_b)] = std::min(root_a, root_b);
  }

  void Link(size_t from, size_t to) { next_[from] = static_cast<uint32_t>(to); }

  /// The line between the intervals [left, left_end) of one column and [right, right_end) of the next.
  void LinkLine(size_t left, size_t left_end, size_t right, size_t right_end) {
    size_t l = left * 2;
    size_t r = right * 2;
    // The crack that the vertical one below the current end comes from (leading down) or goes to (leading up).
    size_t vertical = 0;
    while (l < left_end * 2 || r < right_end * 2) {
      const bool has_left = l < left_end * 2 && (r >= right_end * 2 || EndOf(l) <= EndOf(r));
      const bool has_right = r < right_end * 2 && (l >= left_end * 2 || EndOf(r) <= EndOf(l));
      const bool left_inside = l % 2 != 0;
      const bool right_inside = r % 2 != 0;
      if (has_left && has_right) {
        LinkBoth(l++, r++, vertical);
      } else if (has_left) {
        LinkLeft(l++, right_inside, vertical);
      } else {
        LinkRight(r++, left_inside, vertical);
      }
      if (l % 2 != 0 && r % 2 != 0) Join(l / 2, r / 2);
    }
  }

  void LinkLeft(size_t edge, bool right_inside, size_t& vertical) {
    const bool upper = edge % 2 == 0;
    if (upper && right_inside) {
      Link(edge, vertical);
    } else if (!upper && !right_inside) {
      Link(vertical, edge);
    } else {
      vertical = edge;
    }
  }

  void LinkRight(size_t edge, bool left_inside, size_t& vertical) {
    const bool upper = edge % 2 == 0;
    if (upper && left_inside) {
      Link(vertical, edge);
    } else if (!upper && !left_inside) {
      Link(edge, vertical);
    } else {
      vertical = edge;
    }
  }

  /// Ends of both columns at the same y.
  void LinkBoth(size_t left, size_t right, size_t& vertical) {
    const bool left_upper = left % 2 == 0;
    const bool right_upper = right % 2 == 0;
    if (left_upper && right_upper) {
      Link(left, right);
    } else if (!left_upper && !right_upper) {
      Link(right, left);
    } else if (left_upper) {
      Link(right, vertical);
      vertical = left;
    } else {
      Link(vertical, left);
      vertical = right;
    }
  }

  const std::vector<Interval>& intervals_;
  std::vector<uint32_t> next_;
  std::vector<uint32_t> parent_;
};

struct Ring {
  uint32_t component;
  bool hole;
  std::vector<GridPoint> points;
};

/// Twice the enclosed area, positive for outlines.
int64_t SignedArea(const std::vector<GridPoint>& points) {
  int64_t area = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    const GridPoint& a = points[i];
    const GridPoint& b = points[i + 1 == points.size() ? 0 : i + 1];
    area += static_cast<int64_t>(a[0]) * b[1] - static_cast<int64_t>(b[0]) * a[1];
  }
  return area;
}

/// Corners of the ring through `first`: where a crack is followed by one at another height there is a vertical one in
/// between; cracks at the same height go straight on.
std::vector<GridPoint> FollowRing(const std::vector<Interval>& intervals, const CrackLinker& cracks, uint32_t first,
                                  std::vector<bool>& visited) {
  std::vector<GridPoint> points;
  uint32_t edge = first;
  do {
    visited[edge] = true;
    const uint32_t next = cracks.Next(edge);
    const Interval& here = intervals[edge / 2];
    const Interval& there = intervals[next / 2];
    const int32_t y = edge % 2 == 0 ? here.y0 : here.y1;
    const int32_t next_y = next % 2 == 0 ? there.y0 : there.y1;
    if (y != next_y) {
      const int32_t x = edge % 2 == 0 ? here.x + 1 : here.x;
      points.push_back({x, y});
      points.push_back({x, next_y});
    }
    edge = next;
  } while (edge != first);
  return points;
}

/// Groups rings by component, outlines in the order of their first crack, each followed by its holes.
MultiPolygon Pack(const std::vector<Ring>& rings, size_t components) {
  std::vector<std::vector<const Ring*>> polygons;
  std::vector<size_t> polygon_of(components);
  for (const Ring& ring : rings) {
    if (ring.hole) continue;
    polygon_of[ring.component] = polygons.size();
    polygons.push_back({&ring});
  }
  for (const Ring& ring : rings) {
    if (ring.hole) polygons[polygon_of[ring.component]].push_back(&ring);
  }
  MultiPolygon packed;
  for (const auto& polygon : polygons) {
    for (const Ring* ring : polygon) {
      packed.points.insert(packed.points.end(), ring->points.begin(), ring->points.end());
      packed.rings.push_back(static_cast<uint32_t>(packed.points.size()));
    }
    packed.polygons.push_back(static_cast<uint32_t>(packed.rings.size() - 1));
  }
  return packed;
}

}  // namespace

Result<MultiPolygon> TracePolygons(const Run* runs, size_t count, int width, int height, float tolerance) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide || !(tolerance >= 0.0F)) {
    return Error{ErrorCode::kMisuse, "expected a frame of 1 to " + std::to_string(kMaxSide) +
                                         " pixels a side and a tolerance of 0 or more to trace polygons"};
  }
  Status valid = ValidateRuns(runs, count, static_cast<uint64_t>(width) * static_cast<uint64_t>(height));
  if (!valid.ok()) return valid.error();

  const std::vector<Interval> intervals = SplitByColumn(runs, count, static_cast<uint32_t>(height));
  CrackLinker cracks(intervals);
  std::vector<bool> visited(intervals.size() * 2);
  std::vector<Ring> rings;
  for (uint32_t edge = 0; edge < visited.size(); ++edge) {
    if (visited[edge]) continue;
    std::vector<GridPoint> points = FollowRing(intervals, cracks, edge, visited);
    const bool hole = SignedArea(points) < 0;
    rings.push_back({cracks.Component(edge / 2), hole, SimplifyRing(points, tolerance)});
  }
  return Pack(rings, intervals.size());
}

}  // namespace fastsamd
