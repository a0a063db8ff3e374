#pragma once

#include <cstdint>
#include <vector>

#include "core/decode.h"

namespace fastsamd::test {

using Runs = std::vector<Run>;

/// The oracle for mask runs: evaluates design/fastsam.md "Masks" at every pixel of the frame, in float32, and gives a
/// column-major bitmap. `box` is x1, y1, x2, y2 in source pixels, `coefficients` kMaskChannels floats.
std::vector<bool> DenseMask(const float* proto, const Geometry& geometry, const float* coefficients, const float* box);

/// Runs as a column-major bitmap.
std::vector<bool> BitmapOf(const Run* runs, size_t count, size_t pixels);

/// The runs of a column-major bitmap.
Runs RunsOf(const std::vector<bool>& bitmap);

}  // namespace fastsamd::test
