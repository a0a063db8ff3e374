#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/image.h"
#include "measure/point.h"

namespace fastsamd {

/// The luma (0..255) of a part of a picture, sampled anywhere. Of YUV formats the Y plane as it is, else BT.601's
/// weights. Beyond the picture its border goes on. Reused for one part after another, it keeps its memory.
class LumaPatch {
 public:
  /// Most values that Along gives at once.
  static constexpr int kMostAlong = 128;
  /// All integers below this are floats.
  static constexpr int64_t kMostExact = 1 << 24;

  LumaPatch() = default;
  /// Open and convert all of it.
  LumaPatch(const ImageView& image, int x0, int y0, int x1, int y1);

  /// Turns to the pixels of [x0, x1) x [y0, y1) that `image` has, which must be valid (Validate) and at least one.
  /// `image` is kept as it is, its pixels must stay. Pixels can be sampled once Cover has converted them.
  void Open(const ImageView& image, int x0, int y0, int x1, int y1);
  /// Converts what lies within `margin` pixels of each point along either axis, and some around it.
  void Cover(const Contour& outline, double margin);

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

  /// `count` values (kMostAlong at most) as At gives them, from (x, y) on and (dx, dy) apart.
  void Along(double x, double y, double dx, double dy, int count, float* out) const {
    const float u = static_cast<float>(x - x0_) - 0.5F;
    const float v = static_cast<float>(y - y0_) - 0.5F;
    const auto du = static_cast<float>(dx);
    const auto dv = static_cast<float>(dy);
    const float last = static_cast<float>(count - 1);
    const bool inside = std::min(u, u + last * du) >= 0.0F && std::min(v, v + last * dv) >= 0.0F &&
                        std::max(u, u + last * du) < static_cast<float>(width_ - 1) &&
                        std::max(v, v + last * dv) < static_cast<float>(height_ - 1);
    if (!inside || static_cast<int64_t>(width_) * height_ >= kMostExact) {
      for (int k = 0; k < count; ++k) out[k] = At(x + dx * k, y + dy * k);
      return;
    }
    // Three loops: the first and the last are done several values at a time, the one between fetches pixels.
    int32_t at[kMostAlong];  // exact as a float, too, below 2^24
    float a[kMostAlong];
    float b[kMostAlong];
    float top[2 * kMostAlong];
    float bottom[2 * kMostAlong];
    const int width = width_;
    const auto row = static_cast<float>(width);
    for (int k = 0; k < count; ++k) {
      const float p = u + static_cast<float>(k) * du;
      const float q = v + static_cast<float>(k) * dv;
      const auto i = static_cast<float>(static_cast<int32_t>(p));
      const auto j = static_cast<float>(static_cast<int32_t>(q));
      a[k] = p - i;
      b[k] = q - j;
      at[k] = static_cast<int32_t>(j * row + i);
    }
    const float* luma = luma_.data();
    for (int k = 0; k < count; ++k) {
      std::memcpy(top + 2 * k, luma + at[k], 2 * sizeof(float));
      std::memcpy(bottom + 2 * k, luma + at[k] + width, 2 * sizeof(float));
    }
    for (int k = 0; k < count; ++k) {
      const float above = top[2 * k] + a[k] * (top[2 * k + 1] - top[2 * k]);
      const float below = bottom[2 * k] + a[k] * (bottom[2 * k + 1] - bottom[2 * k]);
      out[k] = above + b[k] * (below - above);
    }
  }

  /// The ends of the scale of luma; those of the narrow range (16 to 235) for formats that may have it.
  float black() const { return is_planar_ ? 16 : 0; }
  float white() const { return is_planar_ ? 235 : 255; }

  /// Standard deviation of the pixels' noise, from the median of second differences along rows; at least 0.5, the
  /// rounding of 8 bit pixels and a little more. Covered or not.
  float Noise() const;

 private:
  /// Converts [x0, x1) x [y0, y1) of the patch.
  void Convert(int x0, int y0, int x1, int y1);

  ImageView image_;
  bool is_planar_ = false;
  int x0_ = 0;
  int y0_ = 0;
  int width_ = 0;
  int height_ = 0;
  std::vector<float> luma_;
  /// By tiles of kTile x kTile pixels: whether they are converted.
  std::vector<uint8_t> covered_;
};

}  // namespace fastsamd
