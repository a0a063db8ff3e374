#pragma once

#include <cstddef>
#include <vector>

namespace fastsamd {

/// A grey picture of floats, row by row.
struct GreyImage {
  int width = 0;
  int height = 0;
  std::vector<float> pixels;

  float At(int x, int y) const {
    return pixels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
};

}  // namespace fastsamd
