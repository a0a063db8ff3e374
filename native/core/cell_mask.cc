#include "core/cell_mask.h"

#include <algorithm>
#include <cmath>

namespace fastsamd {
namespace {

constexpr double kLongSide = 160.0;
constexpr int kBits = 64;

/// Bits set, without the instruction that not every x86 has.
int CountBits(uint64_t bits) {
  bits -= (bits >> 1) & 0x5555555555555555ULL;
  bits = (bits & 0x3333333333333333ULL) + ((bits >> 2) & 0x3333333333333333ULL);
  bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
  return static_cast<int>((bits * 0x0101010101010101ULL) >> 56);
}

/// Sets bits [begin, end) of a column.
void SetBits(uint64_t* column, int begin, int end) {
  while (begin < end) {
    const int stop = std::min(end, (begin / kBits + 1) * kBits);
    const int length = stop - begin;
    const uint64_t ones = length == kBits ? ~uint64_t{0} : (uint64_t{1} << length) - 1;
    column[begin / kBits] |= ones << (begin % kBits);
    begin = stop;
  }
}

/// The first cell of an axis whose centre is at pixel `position` or beyond, at most `cells`.
int CellFrom(const CellGrid& grid, int position, int cells, int limit) {
  int cell = std::clamp(static_cast<int>(static_cast<double>(position) / grid.cell) - 1, 0, cells);
  while (cell < cells && grid.Centre(cell, limit) < position) ++cell;
  return cell;
}

}  // namespace

int CellGrid::Centre(int index, int limit) const {
  return std::min(static_cast<int>((static_cast<double>(index) + 0.5) * cell), limit - 1);
}

CellGrid MakeCellGrid(int frame_width, int frame_height) {
  CellGrid grid;
  grid.width = frame_width;
  grid.height = frame_height;
  grid.cell = std::max(1.0, static_cast<double>(std::max(frame_width, frame_height)) / kLongSide);
  const auto cells = [&](int side) { return std::max(1, static_cast<int>(std::ceil(side / grid.cell - 1e-9))); };
  grid.columns = cells(frame_width);
  grid.rows = cells(frame_height);
  grid.words = (grid.rows + kBits - 1) / kBits;
  return grid;
}

CellMask AppendCells(const CellGrid& grid, const Run* runs, size_t count, std::vector<uint64_t>& words) {
  CellMask mask;
  if (count == 0) return mask;
  const int64_t height = grid.height;
  mask.first = CellFrom(grid, static_cast<int>(runs[0].start / height), grid.columns, grid.width);
  const int last_pixel = static_cast<int>((runs[count - 1].end - 1) / height);
  const size_t begin = words.size();
  size_t run = 0;
  for (int column = mask.first; column < grid.columns; ++column) {
    const int x = grid.Centre(column, grid.width);
    if (x > last_pixel) break;
    words.resize(words.size() + static_cast<size_t>(grid.words), 0);
    uint64_t* bits = words.data() + words.size() - static_cast<size_t>(grid.words);
    const int64_t top = x * height;
    while (run < count && runs[run].end <= top) ++run;
    // A run may span columns, so the next column looks at this one again.
    for (size_t k = run; k < count && runs[k].start < top + height; ++k) {
      const int y0 = static_cast<int>(std::max<int64_t>(runs[k].start - top, 0));
      const int y1 = static_cast<int>(std::min<int64_t>(runs[k].end - top, height));
      SetBits(bits, CellFrom(grid, y0, grid.rows, grid.height), CellFrom(grid, y1, grid.rows, grid.height));
    }
    ++mask.columns;
  }
  for (size_t k = begin; k < words.size(); ++k) mask.count += CountBits(words[k]);
  return mask;
}

CellMask MoveCells(const CellGrid& grid, const CellMask& mask, int dx, int dy, std::vector<uint64_t>& words) {
  CellMask moved;
  const int first = mask.first + dx;
  const int begin = std::clamp(first, 0, grid.columns);
  const int end = std::clamp(first + mask.columns, begin, grid.columns);
  moved.first = begin;
  moved.columns = end - begin;
  const auto size = static_cast<size_t>(grid.words);
  words.assign(static_cast<size_t>(moved.columns) * size, 0);
  const int word_shift = std::abs(dy) / kBits;
  const int bit_shift = std::abs(dy) % kBits;
  for (int column = 0; column < moved.columns; ++column) {
    const uint64_t* from = mask.bits + static_cast<size_t>(begin - first + column) * size;
    uint64_t* to = words.data() + static_cast<size_t>(column) * size;
    for (int k = 0; k < grid.words; ++k) {
      const int source = dy >= 0 ? k - word_shift : k + word_shift;
      const int neighbour = dy >= 0 ? source - 1 : source + 1;
      const auto at = [&](int index) { return index >= 0 && index < grid.words ? from[index] : 0; };
      uint64_t value = at(source);
      if (bit_shift != 0) {
        value = dy >= 0 ? value << bit_shift | at(neighbour) >> (kBits - bit_shift)
                        : value >> bit_shift | at(neighbour) << (kBits - bit_shift);
      }
      to[k] = value;
    }
    const int used = grid.rows % kBits;
    if (used != 0) to[grid.words - 1] &= (uint64_t{1} << used) - 1;
    for (int k = 0; k < grid.words; ++k) moved.count += CountBits(to[k]);
  }
  moved.bits = words.data();
  return moved;
}

int SharedCells(const CellGrid& grid, const CellMask& a, const CellMask& b) {
  const int begin = std::max(a.first, b.first);
  const int end = std::min(a.first + a.columns, b.first + b.columns);
  if (begin >= end) return 0;
  const auto size = static_cast<size_t>(grid.words);
  const uint64_t* in_a = a.bits + static_cast<size_t>(begin - a.first) * size;
  const uint64_t* in_b = b.bits + static_cast<size_t>(begin - b.first) * size;
  const size_t words = static_cast<size_t>(end - begin) * size;
  int shared = 0;
  for (size_t k = 0; k < words; ++k) shared += CountBits(in_a[k] & in_b[k]);
  return shared;
}

double CellIou(const CellGrid& grid, const CellMask& a, const CellMask& b) {
  const int shared = SharedCells(grid, a, b);
  const int either = a.count + b.count - shared;
  return either > 0 ? static_cast<double>(shared) / either : 0.0;
}

}  // namespace fastsamd
