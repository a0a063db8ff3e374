#pragma once

#include "core/image.h"
#include "core/result.h"

namespace fastsamd {

/// The part of a picture from (x, y), `width` by `height` pixels, over the same memory. In nv12 and i420 a corner moves
/// up and left onto the chroma grid. Errors: kMisuse when the part reaches outside the picture.
Result<ImageView> Crop(const ImageView& view, int x, int y, int width, int height);

}  // namespace fastsamd
