#include "core/track_boxes.h"

namespace fastsamd {

void BoxIndex::Build(const float* boxes, size_t count) {
  sorted_.clear();
  widest_ = 0.0;
  for (size_t i = 0; i < count; ++i, boxes += 4) {
    // Empty boxes overlap nothing, and what is no number cannot be sorted.
    if (!(boxes[2] > boxes[0]) || !(boxes[3] > boxes[1])) continue;
    sorted_.push_back({boxes[0], boxes[1], boxes[2], boxes[3], i});
    widest_ = std::max(widest_, static_cast<double>(boxes[2]) - static_cast<double>(boxes[0]));
  }
  std::sort(sorted_.begin(), sorted_.end(),
            [](const Entry& a, const Entry& b) { return a.x1 != b.x1 ? a.x1 < b.x1 : a.index < b.index; });
}

}  // namespace fastsamd
