#pragma once

#include <cstddef>
#include <cstdint>

#include "core/yuv.h"

namespace fastsamd {

/// Converts one row of 4:4:4 YUV, packed as alpha, Y, U and V of 8 bit each, to RGBA. Rounded to the nearest and
/// clamped; alpha is not read and becomes 255. Pixels are words of 32 bit (little-endian), which lets the loop
/// vectorise.
void AyuvToRgba(const uint32_t* ayuv, size_t width, const YuvMatrix& matrix, uint32_t* rgba);

/// As AyuvToRgba for samples of 9 to 16 bits, which lie in the upper bits of 16 bit words with zeros below: two words
/// of 32 bit are a pixel. `depth` is their number of bits. In limited range a level of 8 bit is 2^(depth - 8) steps
/// (ITU-R BT.2100, table 9); in full range 255 levels are 2^depth - 1 steps.
void Ayuv64ToRgba(const uint32_t* ayuv, size_t width, const YuvMatrix& matrix, ColorRange range, int depth,
                  uint32_t* rgba);

}  // namespace fastsamd
