#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/image.h"

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
  /// `image` is kept as it is, its pixels must stay. Along converts those that it needs.
  void Open(const ImageView& image, int x0, int y0, int x1, int y1);

  /// Bilinear between pixel centres, which must be converted; (x, y) in pixels of the picture.
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

  /// `count` values (a multiple of kLanes, kMostAlong at most) as At gives them, but for rounding, from (x, y) on and
  /// (dx, dy) apart. Converts the pixels for them that are not converted yet.
  void Along(double x, double y, double dx, double dy, int count, float* out);

  /// The ends of the scale of luma; those of the narrow range (16 to 235) for formats that may have it.
  float black() const { return is_planar_ ? 16 : 0; }
  float white() const { return is_planar_ ? 235 : 255; }

  /// Standard deviation of the pixels' noise, from the median of second differences along rows; at least 0.5, the
  /// rounding of 8 bit pixels and a little more. Converted or not.
  float Noise() const;

 private:
  /// Converts what lies from (left, top) to (right, bottom), pixels of the patch, and some around it.
  void Cover(float left, float top, float right, float bottom);
  /// Converts a tile, by its column and row among tiles.
  void Convert(int tile_x, int tile_y);

  ImageView image_;
  bool is_planar_ = false;
  int x0_ = 0;
  int y0_ = 0;
  int width_ = 0;
  int height_ = 0;
  std::vector<float> luma_;
  /// By tiles of kTile x kTile pixels: whether they are converted.
  std::vector<uint8_t> covered_;
  /// Neighbours need the same tiles most of the time: what lies in [left, right) x [top, bottom) was covered last.
  struct {
    float left = 0;
    float top = 0;
    float right = 0;
    float bottom = 0;
  } seen_;
};

}  // namespace fastsamd
