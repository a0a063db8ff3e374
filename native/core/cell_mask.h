#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/segments.h"

namespace fastsamd {

/// A coarse grid over a frame: square cells, at most 160 along the longer side.
struct CellGrid {
  int width = 0;
  int height = 0;
  int columns = 0;
  int rows = 0;
  /// 64 bit words a column.
  int words = 0;
  /// Pixels a side.
  double cell = 1.0;

  /// The pixel in the middle of cell `index` of an axis, `limit` pixels long.
  int Centre(int index, int limit) const;
};
CellGrid MakeCellGrid(int frame_width, int frame_height);

/// A mask of one bit a cell: set where the pixel in the middle of the cell is on the mask. Columns of `grid.words`
/// words, from `first` on.
struct CellMask {
  int first = 0;
  int columns = 0;
  /// Cells set.
  int count = 0;
  const uint64_t* bits = nullptr;
};

/// Fewer cells say too little of a shape.
inline constexpr int kMinCells = 24;

/// Appends the words of the mask of `runs` to `words` and describes it; `bits` stays null as `words` may still grow.
CellMask AppendCells(const CellGrid& grid, const Run* runs, size_t count, std::vector<uint64_t>& words);

/// The mask moved by whole cells into `words` (replaced); what leaves the grid is cut off.
CellMask MoveCells(const CellGrid& grid, const CellMask& mask, int dx, int dy, std::vector<uint64_t>& words);

/// Cells that both masks hold.
int SharedCells(const CellGrid& grid, const CellMask& a, const CellMask& b);

/// Intersection over union of two masks; 0 when both are empty.
double CellIou(const CellGrid& grid, const CellMask& a, const CellMask& b);

}  // namespace fastsamd
