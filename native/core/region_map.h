#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/segments.h"

namespace fastsamd {

/// A part of a frame, in pixels.
struct FramePart {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

/// Masks at the resolution of a preview. Every cell names a region, and a region is the set of all objects whose mask
/// holds the cell's centre: overlapping masks stay exact, and a hit test is one read.
struct RegionMap {
  int width = 0;
  int height = 0;
  /// [width * height] region of each cell, column by column.
  std::vector<uint16_t> cells;
  /// Objects of region r, the smallest area first: objects[offsets[r]] to objects[offsets[r + 1] - 1]. Region 0 has
  /// none.
  std::vector<uint32_t> objects;
  std::vector<uint32_t> offsets;

  size_t regions() const { return offsets.size() - 1; }
};

/// Most cells of a map: so many regions have numbers of 16 bits.
inline constexpr int kMaxMapCells = 65534;

/// The map of valid `segments` over `part` of their frame, `width` by `height` cells (at most kMaxMapCells). The centre
/// of cell (i, j) lies in the pixel ((i + 0.5) * part.width / width, (j + 0.5) * part.height / height) of the part.
RegionMap MapRegions(const Segments& segments, const FramePart& part, int width, int height);

/// Appends the regions: for each the number of its objects and their indices, all as LEB128.
void AppendRegions(const RegionMap& map, std::vector<uint8_t>& bytes);

/// Appends the cells, column by column, as pairs of LEB128: 0 for cells as in the column to the left, else the region +
/// 1; then how many cells. No pair crosses a column.
void AppendCells(const RegionMap& map, std::vector<uint8_t>& bytes);

}  // namespace fastsamd
