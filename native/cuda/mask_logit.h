#pragma once

#include <cstdint>

#include "core/decode.h"
#include "cuda/half.h"

namespace fastsamd::cuda {

/// One object whose logits are wanted: its coefficients, and the cells of the proto grid that its mask depends on.
struct LogitRequest {
  int32_t column;
  int32_t row;
  int32_t columns;
  int32_t rows;
  /// Where its first logit goes, in elements; the others follow row by row.
  uint32_t offset;
  float coefficients[kMaskChannels];
};

/// ComputeLogits of native/core for cell `index` of the object's cells, counted row by row. `proto` is
/// [kMaskChannels, proto_height, proto_width] of float or Half; sums are float, in the order of the channels.
template <typename T>
FASTSAMD_DEVICE float MaskLogit(const T* proto, int proto_width, int proto_height, const LogitRequest& request,
                                int index) {
  const size_t plane = static_cast<size_t>(proto_width) * static_cast<size_t>(proto_height);
  const size_t y = static_cast<size_t>(request.row + index / request.columns);
  const size_t x = static_cast<size_t>(request.column + index % request.columns);
  const size_t cell = y * static_cast<size_t>(proto_width) + x;
  float sum = 0.0F;
  for (int k = 0; k < kMaskChannels; ++k) {
    sum += request.coefficients[k] * Load(proto, static_cast<size_t>(k) * plane + cell);
  }
  return sum;
}

}  // namespace fastsamd::cuda
