#pragma once

#include "core/grey_image.h"

namespace fastsamd {

/// In pixels of the pictures.
struct Shift {
  double x = 0.0;
  double y = 0.0;
};

/// How far `now` is shifted against `before`, a picture of the same size, by phase correlation (Kuglin and Hines 1975)
/// of both at 128 x 64 pixels: also over half of the picture, and no more exact than a pixel of these.
Shift PhaseShift(const GreyImage& before, const GreyImage& now);

}  // namespace fastsamd
