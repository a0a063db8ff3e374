#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace fastsamd {

/// A box in pixels of the frame; may reach beyond it.
struct TrackBox {
  double x1 = 0.0;
  double y1 = 0.0;
  double x2 = 0.0;
  double y2 = 0.0;

  double Area() const { return (x2 - x1) * (y2 - y1); }
};

/// Intersection over union; 0 for boxes that only touch.
inline double BoxIou(const TrackBox& a, const TrackBox& b) {
  const double width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const double height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (width <= 0.0 || height <= 0.0) return 0.0;
  const double shared = width * height;
  return shared / (a.Area() + b.Area() - shared);
}

/// The boxes of one frame's objects, sorted by their left sides, so that the few that overlap a box are found without a
/// look at the many that do not. Keeps its memory from frame to frame.
class BoxIndex {
 public:
  /// `boxes`: [count, 4] x1, y1, x2, y2.
  void Build(const float* boxes, size_t count);

  /// Calls `each(index)` for every box that shares an area with `box`, in the order of their left sides.
  template <typename Each>
  void ForOverlapping(const TrackBox& box, const Each& each) const {
    if (!(box.x2 > box.x1) || !(box.y2 > box.y1)) return;
    // A box that begins further left than the widest box is wide ends before this one.
    const auto first = std::lower_bound(sorted_.begin(), sorted_.end(), box.x1 - widest_,
                                        [](const Entry& entry, double x) { return entry.x1 < x; });
    for (auto entry = first; entry != sorted_.end() && entry->x1 < box.x2; ++entry) {
      if (entry->x2 > box.x1 && entry->y1 < box.y2 && entry->y2 > box.y1) each(entry->index);
    }
  }

 private:
  struct Entry {
    float x1;
    float y1;
    float x2;
    float y2;
    size_t index;
  };

  std::vector<Entry> sorted_;
  double widest_ = 0.0;
};

}  // namespace fastsamd
