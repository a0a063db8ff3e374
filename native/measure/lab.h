#pragma once

#include <cstddef>

#include "core/image.h"
#include "core/segments.h"

namespace fastsamd {

/// CIELAB (D65, 2 degree observer).
struct Lab {
  double l;
  double a;
  double b;
};

/// Of an 8 bit sRGB colour (IEC 61966-2-1).
Lab LabOf(uint8_t red, uint8_t green, uint8_t blue);

/// Mean CIELAB of a mask's pixels, without those nearer than `erosion` pixels (chessboard distance) to what is not
/// mask: at the edge colours mix. Where nothing remains, of the whole mask; NaN for an empty one. `image` must be valid
/// (Validate) and of the mask's size, `runs` valid for it.
Lab MeanLab(const ImageView& image, const Run* runs, size_t count, int erosion);

}  // namespace fastsamd
