#pragma once

#include <algorithm>
#include <vector>

#include "core/image.h"

namespace fastsamd {

/// The luma (0..255) of a part of a picture, sampled anywhere. Of YUV formats the Y plane as it is, else BT.601's
/// weights. Beyond the picture its border goes on.
class LumaPatch {
 public:
  /// The pixels of [x0, x1) x [y0, y1) that `image` has, which must be valid (Validate) and at least one.
  LumaPatch(const ImageView& image, int x0, int y0, int x1, int y1);

  /// Bilinear between pixel centres; (x, y) in pixels of the picture.
  float At(double x, double y) const {
    const float u = std::clamp(static_cast<float>(x - x0_) - 0.5F, 0.0F, static_cast<float>(width_ - 1));
    const float v = std::clamp(static_cast<float>(y - y0_) - 0.5F, 0.0F, static_cast<float>(height_ - 1));
    const int i = std::min(static_cast<int>(u), std::max(0, width_ - 2));
    const int j = std::min(static_cast<int>(v), std::max(0, height_ - 2));
    const float a = u - static_cast<float>(i);
    const float b = v - static_cast<float>(j);
    const float* row = luma_.data() + static_cast<size_t>(j) * static_cast<size_t>(width_) + i;
    const float* below = height_ > 1 ? row + width_ : row;
    const int right = width_ > 1 ? 1 : 0;
    const float top = row[0] + a * (row[right] - row[0]);
    const float bottom = below[0] + a * (below[right] - below[0]);
    return top + b * (bottom - top);
  }

  /// Standard deviation of the pixels' noise, from the median of second differences along rows; at least 0.5, the
  /// rounding of 8 bit pixels and a little more.
  float Noise() const;

 private:
  int x0_;
  int y0_;
  int width_;
  int height_;
  std::vector<float> luma_;
};

}  // namespace fastsamd
