#pragma once

#include <cstdint>
#include <vector>

#include "core/geometry.h"
#include "core/segments.h"

namespace fastsamd {

/// How the source pixels of one axis sample the proto grid: pixel i interpolates between the cells low[i] and
/// min(low[i] + 1, last cell) with weight fraction[i] on the second.
struct ProtoAxis {
  std::vector<int> low;
  std::vector<float> fraction;
  /// The last cell that lies wholly inside the content.
  int last = 0;
  /// Per cell c up to last + 1: the first pixel whose `low` is c or more.
  std::vector<int> first_pixel;
};

/// u = ((x + 1/2) * content / frame + pad) / 4 - 1/2, clamped to the cells wholly inside the content,
/// ceil(pad / 4) .. floor((pad + content) / 4) - 1; to the cell at the content's centre when there are none.
ProtoAxis MakeProtoAxis(int frame, int content, int pad);

/// Source pixels x0 <= x < x1, y0 <= y < y1.
struct PixelRect {
  int x0;
  int y0;
  int x1;
  int y1;
};

/// Collects the runs of one object in ascending order, joining those that touch.
class RunSink {
 public:
  explicit RunSink(std::vector<Run>& runs) : runs_(runs), first_(runs.size()) {}

  /// Appends [start, end); nothing when it is empty.
  void Add(uint32_t start, uint32_t end) {
    if (start >= end) return;
    area_ += end - start;
    if (runs_.size() > first_ && runs_.back().end == start) {
      runs_.back().end = end;
    } else {
      runs_.push_back({start, end});
    }
  }

  /// Pixels so far.
  uint32_t area() const { return area_; }

 private:
  std::vector<Run>& runs_;
  size_t first_;
  uint32_t area_ = 0;
};

/// The proto cells that a rect's pixels touch.
struct CellRect {
  int column;
  int row;
  int columns;
  int rows;

  size_t size() const { return static_cast<size_t>(columns) * static_cast<size_t>(rows); }
};

/// Writes masks as runs straight from logits on the proto grid, wherever those were computed.
///
/// Along a source column the bilinear interpolation of the logits is linear between two proto rows, so each such
/// segment holds at most one crossing of zero. It is found by one division and then settled by evaluating the float
/// expression of the dense computation at the pixels around it, which makes the runs bit-identical with evaluating
///   v(r) = logit[r][c] + fx * (logit[r][c + 1] - logit[r][c])
///   v(y) = v(r) + fy * (v(r + 1) - v(r)) > 0
/// at every pixel, for finite logits: float rounding is monotone, so the expression is monotone in fy. Cost follows
/// (columns of the box) x (proto rows of the box); nothing of the frame's size is ever allocated.
class LogitRunWriter {
 public:
  explicit LogitRunWriter(const Geometry& geometry);

  /// The cells whose logits the mask inside `rect`, which is not empty and within the frame, depends on.
  CellRect CellsOf(const PixelRect& rect) const;

  /// Appends the mask inside `rect` to `runs` and returns its area in pixels. `logits` are those of CellsOf(rect), row
  /// by row. NaN is background.
  uint32_t Append(const float* logits, const PixelRect& rect, std::vector<Run>& runs);

 private:
  void AppendColumn(int x, const PixelRect& rect, const CellRect& cells, RunSink& sink);

  uint32_t frame_height_;
  /// Row of proto cells c is centred on source pixel c * pixels_per_cell_ + first_cell_pixel_.
  float pixels_per_cell_;
  float first_cell_pixel_;
  ProtoAxis columns_;
  ProtoAxis rows_;
  /// The current object's logits column by column, and one interpolated column with its signs.
  std::vector<float> logit_columns_;
  std::vector<float> column_;
  std::vector<uint8_t> positive_;
};

}  // namespace fastsamd
