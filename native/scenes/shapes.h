#pragma once

#include <cstdint>

namespace fastsamd {

/// Draws picture `index` of a deterministic scene into `rgb` (tight, width * height * 3 bytes): eight discs,
/// rectangles and triangles of different colours that glide over a gentle gradient and bounce off its edges. A closed
/// form of (index, size, seed): any picture can be drawn by itself. Sides are 1..kMaxSide.
void RenderShapes(int index, int width, int height, uint32_t seed, uint8_t* rgb);

}  // namespace fastsamd
