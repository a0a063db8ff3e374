#pragma once

#include <cstdint>
#include <vector>

#include "core/image.h"
#include "core/result.h"

namespace fastsamd {

/// A JPEG (4:2:0) of `image`, `width` by `height` pixels, neither larger than the image's. It is shrunk by area average
/// before its colours are converted to what JPEG means (BT.601, full range), so that the cost is that of the small
/// picture. `quality` is 1 to 100. Errors: kMisuse (Validate), kInternal with libjpeg-turbo's reason.
Result<std::vector<uint8_t>> EncodeJpeg(const ImageView& image, int width, int height, int quality);

}  // namespace fastsamd
