#pragma once

#include <vector>

#include "core/decode.h"
#include "core/logit_runs.h"

namespace fastsamd {

/// Masks of coefficients and proto: logit(cell) = sum of coefficient * proto, written as runs by LogitRunWriter.
class MaskRunWriter {
 public:
  /// `proto` is [kMaskChannels, input_height / 4, input_width / 4] and must outlive this object.
  MaskRunWriter(const float* proto, const Geometry& geometry);

  /// Appends the mask inside `rect` (within the frame) to `runs` and returns its area in pixels. `coefficients` are
  /// kMaskChannels floats. NaN logits are background.
  uint32_t Append(const float* coefficients, const PixelRect& rect, std::vector<Run>& runs);

 private:
  void ComputeLogits(const float* coefficients, const CellRect& cells);

  const float* proto_;
  size_t proto_width_;
  size_t proto_height_;
  LogitRunWriter runs_;
  /// Of the current object, row by row.
  std::vector<float> logits_;
};

}  // namespace fastsamd
