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

  /// `count` values as At gives them, from (x, y) on and (dx, dy) apart.
  void Along(double x, double y, double dx, double dy, int count, float* out) const {
    const float u = static_cast<float>(x - x0_) - 0.5F;
    const float v = static_cast<float>(y - y0_) - 0.5F;
    const auto du = static_cast<float>(dx);
    const auto dv = static_cast<float>(dy);
    const float last = static_cast<float>(count - 1);
    const bool inside = std::min(u, u + last * du) >= 0.0F && std::min(v, v + last * dv) >= 0.0F &&
                        std::max(u, u + last * du) < static_cast<float>(width_ - 1) &&
                        std::max(v, v + last * dv) < static_cast<float>(height_ - 1);
    if (!inside) {
      for (int k = 0; k < count; ++k) out[k] = At(x + dx * k, y + dy * k);
      return;
    }
    const float* luma = luma_.data();
    const int width = width_;
    for (int k = 0; k < count; ++k) {
      const float p = u + static_cast<float>(k) * du;
      const float q = v + static_cast<float>(k) * dv;
      const int i = static_cast<int>(p);
      const int j = static_cast<int>(q);
      const float a = p - static_cast<float>(i);
      const float b = q - static_cast<float>(j);
      const float* row = luma + j * width + i;
      const float top = row[0] + a * (row[1] - row[0]);
      const float bottom = row[width] + a * (row[width + 1] - row[width]);
      out[k] = top + b * (bottom - top);
    }
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
