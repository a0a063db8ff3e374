#include "core/mask_runs.h"

#include <algorithm>
#include <array>

namespace fastsamd {
namespace {

/// Channels summed per pass over the cells: enough to save traffic on the sums, few enough for the registers.
constexpr int kChannelsPerPass = 8;

/// sums[i] = (first ? 0 : sums[i]) + weights[0] * channels[0][i] + ... in this order.
void AddChannels(const float* __restrict channels, size_t plane, const float* __restrict weights, bool first, int count,
                 float* __restrict sums) {
  std::array<const float*, kChannelsPerPass> c{};
  std::array<float, kChannelsPerPass> w{};
  for (size_t k = 0; k < kChannelsPerPass; ++k) {
    c[k] = channels + k * plane;
    w[k] = weights[k];
  }
  if (first) std::fill(sums, sums + count, 0.0F);
  for (int i = 0; i < count; ++i) {
    float sum = sums[i];
    sum += w[0] * c[0][i];
    sum += w[1] * c[1][i];
    sum += w[2] * c[2][i];
    sum += w[3] * c[3][i];
    sum += w[4] * c[4][i];
    sum += w[5] * c[5][i];
    sum += w[6] * c[6][i];
    sum += w[7] * c[7][i];
    sums[i] = sum;
  }
}

}  // namespace

MaskRunWriter::MaskRunWriter(const float* proto, const Geometry& geometry)
    : proto_(proto),
      proto_width_(static_cast<size_t>(geometry.input_width / 4)),
      proto_height_(static_cast<size_t>(geometry.input_height / 4)),
      runs_(geometry) {}

void MaskRunWriter::ComputeLogits(const float* coefficients, const CellRect& cells) {
  const size_t plane = proto_width_ * proto_height_;
  const size_t columns = static_cast<size_t>(cells.columns);
  const size_t rows = static_cast<size_t>(cells.rows);
  const float* origin = proto_ + static_cast<size_t>(cells.row) * proto_width_ + static_cast<size_t>(cells.column);
  if (logits_.size() < cells.size()) logits_.resize(cells.size());
  for (size_t k = 0; k < kMaskChannels; k += kChannelsPerPass) {
    for (size_t r = 0; r < rows; ++r) {
      AddChannels(origin + k * plane + r * proto_width_, plane, coefficients + k, k == 0, cells.columns,
                  logits_.data() + r * columns);
    }
  }
}

uint32_t MaskRunWriter::Append(const float* coefficients, const PixelRect& rect, std::vector<Run>& runs) {
  if (rect.x0 >= rect.x1 || rect.y0 >= rect.y1) return 0;
  ComputeLogits(coefficients, runs_.CellsOf(rect));
  return runs_.Append(logits_.data(), rect, runs);
}

}  // namespace fastsamd
