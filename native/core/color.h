#pragma once

#include <array>
#include <cstdint>

#include "core/image.h"
#include "core/result.h"

namespace fastsamd {

/// How many planes a format has, and the bytes of a tight row of each.
struct PlaneLayout {
  int planes;
  std::array<int, 3> row_bytes;
};
PlaneLayout LayoutOf(PixelFormat format, int width);

/// Rows of a plane: planes of chroma have half as many, rounded up.
inline size_t RowsOf(const ImageView& image, size_t plane) {
  return static_cast<size_t>(plane == 0 ? image.height : (image.height + 1) / 2);
}

/// Checks that an image can be read: sides 1..kMaxSide, every plane of its format present, every stride at least one
/// tight row and at most kMaxStride. Errors: kMisuse. The length of the planes is the caller's business.
Status Validate(const ImageView& image);

/// Writes `image` as tight RGB (width * height * 3 bytes) into `rgb`. YUV goes by matrix and range, chroma nearest
/// (sample x / 2, y / 2), rounded to the nearest and clamped to 8 bit. Alpha is ignored. Errors: kMisuse (Validate).
Status ToRgb(const ImageView& image, uint8_t* rgb);

}  // namespace fastsamd
