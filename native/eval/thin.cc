#include "eval/thin.h"

#include <algorithm>
#include <array>

namespace fastsamd {
namespace {

/// Whether the middle of a neighbourhood goes, in the first (0) and the second (1) pass of an iteration.
using Table = std::array<std::array<bool, 256>, 2>;

/// Bit k - 1 of an index is neighbour x_k: from the east, counterclockwise.
Table MakeTable() {
  Table table{};
  for (int bits = 0; bits < 256; ++bits) {
    const auto x = [bits](int k) { return (bits >> ((k - 1) % 8)) & 1; };
    int crossings = 0;
    int first = 0;
    int second = 0;
    for (int k = 1; k <= 4; ++k) {
      if (x(2 * k - 1) == 0 && (x(2 * k) != 0 || x(2 * k + 1) != 0)) ++crossings;
      first += x(2 * k - 1) | x(2 * k);
      second += x(2 * k) | x(2 * k + 1);
    }
    const int few = std::min(first, second);
    const bool simple = crossings == 1 && few >= 2 && few <= 3;
    table[0][bits] = simple && (((x(2) | x(3) | (1 - x(8))) & x(1)) == 0);
    table[1][bits] = simple && (((x(6) | x(7) | (1 - x(4))) & x(5)) == 0);
  }
  return table;
}

}  // namespace

void Thin(std::vector<uint8_t>& pixels, int width, int height) {
  static const Table table = MakeTable();
  // A frame of zeros around the picture spares every look-up its border check.
  const int stride = width + 2;
  std::vector<uint8_t> padded(static_cast<size_t>(stride) * (height + 2));
  std::vector<uint32_t> set;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (pixels[static_cast<size_t>(y) * width + x] == 0) continue;
      const uint32_t at = static_cast<uint32_t>((y + 1) * stride + x + 1);
      padded[at] = 1;
      set.push_back(at);
    }
  }
  const std::array<int, 8> neighbours{1, 1 - stride, -stride, -1 - stride, -1, stride - 1, stride, stride + 1};
  std::vector<uint32_t> gone;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& goes : table) {
      gone.clear();
      for (const uint32_t at : set) {
        int bits = 0;
        for (int k = 0; k < 8; ++k) bits |= padded[at + neighbours[k]] << k;
        if (goes[bits]) gone.push_back(at);
      }
      if (gone.empty()) continue;
      changed = true;
      for (const uint32_t at : gone) padded[at] = 0;
      set.erase(std::remove_if(set.begin(), set.end(), [&](uint32_t at) { return padded[at] == 0; }), set.end());
    }
  }
  for (int y = 0; y < height; ++y) {
    std::copy_n(padded.begin() + (y + 1) * stride + 1, width, pixels.begin() + static_cast<size_t>(y) * width);
  }
}

}  // namespace fastsamd
