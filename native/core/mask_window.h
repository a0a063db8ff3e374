#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/segments.h"

namespace fastsamd {

/// Up to 64 neighbouring columns of a mask, one word a row, bit j for column x0 + j: turns column-major runs into
/// rows without a bitmap of the frame.
class MaskWindow {
 public:
  static constexpr int kColumns = 64;

  explicit MaskWindow(int height) : rows_(static_cast<size_t>(height)) {}

  /// Loads the columns from `x0` (which may be negative) on; columns outside the frame are background.
  void Load(const Run* runs, size_t count, int x0);

  /// Removes every pixel that has one of its 4 neighbours, outside the window and the frame included, in the
  /// background.
  void Erode();

  uint64_t Row(int y) const { return rows_[static_cast<size_t>(y)]; }

 private:
  std::vector<uint64_t> rows_;
};

/// Calls visit(first, length) for every run of set bits, lowest first.
template <typename Visit>
void ForEachBitRun(uint64_t bits, Visit visit) {
  int position = 0;
  while (bits != 0) {
    const int gap = __builtin_ctzll(bits);
    bits >>= gap;
    const int length = ~bits == 0 ? MaskWindow::kColumns : __builtin_ctzll(~bits);
    visit(position + gap, length);
    position += gap + length;
    bits = length == MaskWindow::kColumns ? 0 : bits >> length;
  }
}

}  // namespace fastsamd
