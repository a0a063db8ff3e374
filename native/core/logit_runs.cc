#include "core/logit_runs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace fastsamd {
namespace {

/// Input pixels per proto cell.
constexpr int kCellSize = 4;
/// Signs are compared eight at a time, each with its successor.
constexpr int kSignPadding = 16;

void Interpolate(const float* __restrict a, const float* __restrict b, float fraction, int count, float* __restrict out,
                 uint8_t* __restrict positive) {
  for (int i = 0; i < count; ++i) out[i] = a[i] + fraction * (b[i] - a[i]);
  for (int i = 0; i < count; ++i) positive[i] = out[i] > 0.0F ? 1 : 0;
  std::fill(positive + count, positive + count + kSignPadding, positive[count - 1]);
}

/// The first i >= from with signs[i] != signs[i + 1], or count - 1.
int NextSignChange(const uint8_t* signs, int from, int count) {
  for (int i = from; i < count - 1; i += 8) {
    uint64_t here = 0;
    uint64_t next = 0;
    std::memcpy(&here, signs + i, sizeof(here));
    std::memcpy(&next, signs + i + 1, sizeof(next));
    if (here == next) continue;
    while (signs[i] == signs[i + 1]) ++i;
    return i;
  }
  return count - 1;
}

/// A stretch of pixels between two proto rows, with the values there.
struct Segment {
  int begin;
  int end;
  float upper;
  float lower;
};

/// The first pixel of the segment that has the sign of its lower end, or its end. `estimate` is where the line
/// crosses zero; rounding may put the exact expression's crossing one pixel beside it.
int FindCrossing(const Segment& segment, float estimate, const float* fraction) {
  const float difference = segment.lower - segment.upper;
  const bool rising = segment.lower > 0.0F;
  const auto reached = [&](int y) { return (segment.upper + fraction[y] * difference > 0.0F) == rising; };
  // Written so that a NaN estimate gives `begin`.
  int y = segment.begin;
  if (estimate >= static_cast<float>(segment.end)) {
    y = segment.end;
  } else if (estimate > static_cast<float>(segment.begin)) {
    y = std::min(static_cast<int>(estimate) + 1, segment.end);
  }
  while (y > segment.begin && reached(y - 1)) --y;
  while (y < segment.end && !reached(y)) ++y;
  return y;
}

}  // namespace

ProtoAxis MakeProtoAxis(int frame, int content, int pad) {
  int first = (pad + kCellSize - 1) / kCellSize;
  int last = (pad + content) / kCellSize - 1;
  if (first > last) first = last = (pad + content / 2) / kCellSize;

  ProtoAxis axis;
  axis.last = last;
  axis.low.resize(static_cast<size_t>(frame));
  axis.fraction.resize(static_cast<size_t>(frame));
  axis.first_pixel.assign(static_cast<size_t>(last) + 2, frame);
  int cell = 0;
  for (int i = 0; i < frame; ++i) {
    const double position = ((i + 0.5) * content / frame + pad) / kCellSize - 0.5;
    const double u = std::clamp(position, static_cast<double>(first), static_cast<double>(last));
    int low = static_cast<int>(u);
    float fraction = static_cast<float>(u - low);
    // A fraction below 1 is what keeps the interpolation between values of one sign in that sign.
    if (fraction >= 1.0F) {
      ++low;
      fraction = 0.0F;
    }
    axis.low[static_cast<size_t>(i)] = low;
    axis.fraction[static_cast<size_t>(i)] = fraction;
    for (; cell <= low; ++cell) axis.first_pixel[static_cast<size_t>(cell)] = i;
  }
  return axis;
}

LogitRunWriter::LogitRunWriter(const Geometry& geometry)
    : frame_height_(static_cast<uint32_t>(geometry.frame_height)),
      pixels_per_cell_(static_cast<float>(kCellSize) * static_cast<float>(geometry.frame_height) /
                       static_cast<float>(geometry.content_height)),
      first_cell_pixel_((kCellSize * 0.5F - static_cast<float>(geometry.top)) *
                            static_cast<float>(geometry.frame_height) / static_cast<float>(geometry.content_height) -
                        0.5F),
      columns_(MakeProtoAxis(geometry.frame_width, geometry.content_width, geometry.left)),
      rows_(MakeProtoAxis(geometry.frame_height, geometry.content_height, geometry.top)),
      column_(static_cast<size_t>(geometry.input_height / kCellSize)),
      positive_(static_cast<size_t>(geometry.input_height / kCellSize) + kSignPadding) {}

CellRect LogitRunWriter::CellsOf(const PixelRect& rect) const {
  const auto span = [](const ProtoAxis& axis, int begin, int end) {
    const int low = axis.low[static_cast<size_t>(begin)];
    const int high = std::min(axis.low[static_cast<size_t>(end) - 1] + 1, axis.last);
    return std::array<int, 2>{low, high - low + 1};
  };
  const auto [column, columns] = span(columns_, rect.x0, rect.x1);
  const auto [row, rows] = span(rows_, rect.y0, rect.y1);
  return {column, row, columns, rows};
}

void LogitRunWriter::AppendColumn(int x, const PixelRect& rect, const CellRect& cells, RunSink& sink) {
  const size_t index = static_cast<size_t>(x);
  const int low = columns_.low[index];
  const int high = std::min(low + 1, columns_.last);
  const size_t rows = static_cast<size_t>(cells.rows);
  Interpolate(logit_columns_.data() + static_cast<size_t>(low - cells.column) * rows,
              logit_columns_.data() + static_cast<size_t>(high - cells.column) * rows, columns_.fraction[index],
              cells.rows, column_.data(), positive_.data());

  const uint32_t base = static_cast<uint32_t>(x) * frame_height_;
  bool inside = positive_[0] != 0;
  int start = rect.y0;
  for (int r = NextSignChange(positive_.data(), 0, cells.rows); r < cells.rows - 1;
       r = NextSignChange(positive_.data(), r + 1, cells.rows)) {
    const size_t cell = static_cast<size_t>(cells.row + r);
    const float upper = column_[static_cast<size_t>(r)];
    const float lower = column_[static_cast<size_t>(r) + 1];
    const Segment segment{std::max(rows_.first_pixel[cell], rect.y0), std::min(rows_.first_pixel[cell + 1], rect.y1),
                          upper, lower};
    const float row = static_cast<float>(cells.row + r) + upper / (upper - lower);
    const int y = FindCrossing(segment, row * pixels_per_cell_ + first_cell_pixel_, rows_.fraction.data());
    if (inside) sink.Add(base + static_cast<uint32_t>(start), base + static_cast<uint32_t>(y));
    inside = !inside;
    start = y;
  }
  if (inside) sink.Add(base + static_cast<uint32_t>(start), base + static_cast<uint32_t>(rect.y1));
}

uint32_t LogitRunWriter::Append(const float* logits, const PixelRect& rect, std::vector<Run>& runs) {
  const CellRect cells = CellsOf(rect);
  const size_t columns = static_cast<size_t>(cells.columns);
  const size_t rows = static_cast<size_t>(cells.rows);
  if (logit_columns_.size() < cells.size()) logit_columns_.resize(cells.size());
  for (size_t r = 0; r < rows; ++r) {
    const float* row = logits + r * columns;
    for (size_t c = 0; c < columns; ++c) logit_columns_[c * rows + r] = row[c];
  }
  RunSink sink(runs);
  for (int x = rect.x0; x < rect.x1; ++x) AppendColumn(x, rect, cells, sink);
  return sink.area();
}

}  // namespace fastsamd
