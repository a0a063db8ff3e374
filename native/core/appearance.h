#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/cell_mask.h"
#include "core/image.h"

namespace fastsamd {

inline constexpr int kColourBins = 64;

/// Square roots of a colour histogram of 4 x 4 x 4 RGB bins that sums to 1: the dot product of two is their
/// Bhattacharyya coefficient. All 0 when nothing is known.
using Colours = std::array<float, kColourBins>;

/// A frame at the centres of the cells of a grid, column by column: the bin of the colour, and the luma.
struct CellColours {
  std::vector<uint8_t> bins;
  std::vector<uint8_t> luma;
};

/// Samples `image`, which is valid and of the grid's size.
void SampleCells(const ImageView& image, const CellGrid& grid, CellColours& samples);

/// The colours of the cells of `mask`; all 0 for a mask of fewer than kMinCells / 2.
Colours ColoursOf(const CellGrid& grid, const CellMask& mask, const CellColours& samples);

/// Bhattacharyya coefficient, 0..1; negative when either is unknown.
double Alike(const Colours& a, const Colours& b);

/// Moves `known` towards `seen` by `weight`; takes `seen` over when nothing was known.
void Learn(Colours& known, const Colours& seen, float weight);

/// Zero-mean normalised cross-correlation of two frames of one size, -1..1; 0 when either is flat.
double SceneLikeness(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b);

}  // namespace fastsamd
