#include "core/region_map.h"

#include <algorithm>
#include <numeric>

namespace fastsamd {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

/// A set of objects as its smallest one and the set without that.
struct Node {
  uint32_t rest;
  uint32_t object;
};

void AppendNumber(uint32_t value, std::vector<uint8_t>& bytes) {
  while (value >= 0x80) {
    bytes.push_back(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  bytes.push_back(static_cast<uint8_t>(value));
}

/// The pixel below the centre of each of `cells` cells, along one axis.
std::vector<int> Centres(int first, int size, int cells) {
  std::vector<int> centres(static_cast<size_t>(cells));
  for (int i = 0; i < cells; ++i) {
    centres[static_cast<size_t>(i)] = first + static_cast<int>((2LL * i + 1) * size / (2LL * cells));
  }
  return centres;
}

}  // namespace

RegionMap MapRegions(const Segments& segments, const FramePart& part, int width, int height) {
  const size_t columns = static_cast<size_t>(width);
  const size_t rows = static_cast<size_t>(height);
  const std::vector<int> xs = Centres(part.x, part.width, width);
  const std::vector<int> ys = Centres(part.y, part.height, height);
  // The first row whose centre is at or below a pixel.
  std::vector<uint32_t> row_from(static_cast<size_t>(segments.height) + 1, static_cast<uint32_t>(rows));
  for (size_t y = row_from.size(), row = rows; y-- > 0;) {
    while (row > 0 && ys[row - 1] >= static_cast<int>(y)) --row;
    row_from[y] = static_cast<uint32_t>(row);
  }

  std::vector<uint32_t> order(segments.count());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return segments.areas[a] > segments.areas[b]; });

  std::vector<Node> nodes{{0, kNone}};
  std::vector<uint32_t> cells(columns * rows, 0);
  // What adding the current object makes of a node; written for that object when the mark is its number.
  std::vector<uint32_t> grown(1);
  std::vector<uint32_t> marks(1, kNone);
  for (const uint32_t object : order) {
    const Run* run = segments.runs.data() + segments.offsets[object];
    const Run* const end = segments.runs.data() + segments.offsets[object + 1];
    for (size_t column = 0; column < columns && run != end; ++column) {
      const uint64_t top = static_cast<uint64_t>(xs[column]) * static_cast<uint64_t>(segments.height);
      const uint64_t bottom = top + static_cast<uint64_t>(segments.height);
      while (run != end && run->end <= top) ++run;
      // The last run may go on in the next column.
      for (const Run* each = run; each != end && each->start < bottom; ++each) {
        const size_t first = row_from[std::max<uint64_t>(each->start, top) - top];
        const size_t last = row_from[std::min<uint64_t>(each->end, bottom) - top];
        for (size_t row = first; row < last; ++row) {
          uint32_t& cell = cells[column * rows + row];
          if (marks[cell] != object) {
            marks[cell] = object;
            grown[cell] = static_cast<uint32_t>(nodes.size());
            nodes.push_back({cell, object});
            grown.push_back(0);
            marks.push_back(kNone);
          }
          cell = grown[cell];
        }
      }
    }
  }

  RegionMap map;
  map.width = width;
  map.height = height;
  map.cells.resize(cells.size());
  map.offsets = {0, 0};
  std::vector<uint32_t> numbers(nodes.size(), kNone);
  numbers[0] = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    uint32_t& number = numbers[cells[i]];
    if (number == kNone) {
      number = static_cast<uint32_t>(map.regions());
      for (uint32_t node = cells[i]; node != 0; node = nodes[node].rest) map.objects.push_back(nodes[node].object);
      map.offsets.push_back(static_cast<uint32_t>(map.objects.size()));
    }
    map.cells[i] = static_cast<uint16_t>(number);
  }
  return map;
}

void AppendRegions(const RegionMap& map, std::vector<uint8_t>& bytes) {
  for (size_t region = 0; region < map.regions(); ++region) {
    AppendNumber(map.offsets[region + 1] - map.offsets[region], bytes);
    for (size_t i = map.offsets[region]; i < map.offsets[region + 1]; ++i) AppendNumber(map.objects[i], bytes);
  }
}

void AppendCells(const RegionMap& map, std::vector<uint8_t>& bytes) {
  const size_t rows = static_cast<size_t>(map.height);
  for (size_t column = 0; column < static_cast<size_t>(map.width); ++column) {
    const uint16_t* cells = map.cells.data() + column * rows;
    const uint16_t* left = column == 0 ? nullptr : cells - rows;
    for (size_t row = 0; row < rows;) {
      size_t same = row;
      while (left != nullptr && same < rows && cells[same] == left[same]) ++same;
      size_t equal = row;
      while (equal < rows && cells[equal] == cells[row]) ++equal;
      const bool as_left = same >= equal;
      AppendNumber(as_left ? 0U : cells[row] + 1U, bytes);
      const size_t next = as_left ? same : equal;
      AppendNumber(static_cast<uint32_t>(next - row), bytes);
      row = next;
    }
  }
}

}  // namespace fastsamd
