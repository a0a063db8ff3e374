#pragma once

#include <cstddef>

#include "core/geometry.h"
#include "core/image.h"

namespace fastsamd {

/// Writes `image` as [3, input_height, input_width] float32 RGB in 0..1 into `output` (`size` floats): bilinear with
/// half-pixel centres, no antialiasing, padding 114/255. Equal to converting the whole image to RGB (ToRgb) and then
/// interpolating in float, within 1/255. Errors: kMisuse when sizes, strides or geometry do not fit.
Status Letterbox(const ImageView& image, const Geometry& geometry, float* output, size_t size);

}  // namespace fastsamd
