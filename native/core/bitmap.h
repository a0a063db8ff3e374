#pragma once

#include <cstddef>
#include <cstdint>

#include "core/result.h"
#include "core/segments.h"

namespace fastsamd {

/// Writes the mask of object `index` as a row-major bitmap (width * height bytes, 255 inside, 0 outside) into `out`.
/// Errors: kMisuse when `index` is out of range or its runs do not fit the frame.
Status MaskBitmap(const Segments& segments, size_t index, uint8_t* out);

}  // namespace fastsamd
