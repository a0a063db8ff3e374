#include "core/mask_window.h"

#include <algorithm>

namespace fastsamd {

void MaskWindow::Load(const Run* runs, size_t count, int x0) {
  std::fill(rows_.begin(), rows_.end(), 0);
  const int64_t height = static_cast<int64_t>(rows_.size());
  const int64_t begin = std::max<int64_t>(x0, 0) * height;
  const int64_t end = (static_cast<int64_t>(x0) + kColumns) * height;
  const Run* run = std::partition_point(runs, runs + count, [&](const Run& r) { return r.end <= begin; });
  for (; run != runs + count && run->start < end; ++run) {
    const int64_t stop = std::min<int64_t>(run->end, end);
    for (int64_t start = std::max<int64_t>(run->start, begin); start < stop;) {
      const int64_t x = start / height;
      const int64_t column_end = std::min(stop, (x + 1) * height);
      const uint64_t bit = uint64_t{1} << (x - x0);
      for (int64_t y = start - x * height; y < column_end - x * height; ++y) rows_[static_cast<size_t>(y)] |= bit;
      start = column_end;
    }
  }
}

void MaskWindow::Erode() {
  uint64_t above = 0;
  for (size_t y = 0; y < rows_.size(); ++y) {
    const uint64_t here = rows_[y];
    const uint64_t below = y + 1 < rows_.size() ? rows_[y + 1] : 0;
    rows_[y] = here & (here << 1) & (here >> 1) & above & below;
    above = here;
  }
}

}  // namespace fastsamd
