#pragma once

#include <cstdint>
#include <vector>

namespace fastsamd {

/// Thins a binary picture to lines one pixel wide until nothing changes: MATLAB's bwmorph(…, 'thin', Inf), which is the
/// second variant of Guo and Hall (1989) as Lam, Lee and Suen (1992) tabulate it. `pixels` is [height, width]
/// row-major, 0 or 1, changed in place.
void Thin(std::vector<uint8_t>& pixels, int width, int height);

}  // namespace fastsamd
