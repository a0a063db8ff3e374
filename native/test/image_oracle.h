#pragma once

#include <cstdint>
#include <vector>

#include "core/image.h"

namespace fastsamd::test {

inline constexpr PixelFormat kFormats[] = {PixelFormat::kRgb, PixelFormat::kBgr, PixelFormat::kRgba, PixelFormat::kNv12,
                                           PixelFormat::kI420};

/// A picture of random bytes whose planes are allocated one by one, exactly as long as they may be read.
class RandomImage {
 public:
  /// `slack` bytes follow every row but the last.
  RandomImage(PixelFormat format, int width, int height, int slack, uint32_t seed);

  ImageView view;

  /// Red, green and blue of a pixel in 0..255 by the definition, unrounded.
  std::array<double, 3> Exact(int x, int y) const;

 private:
  uint8_t Byte(size_t plane, int x, int y) const {
    return planes_[plane][static_cast<size_t>(y) * static_cast<size_t>(view.strides[plane]) + static_cast<size_t>(x)];
  }

  std::vector<std::vector<uint8_t>> planes_;
};

}  // namespace fastsamd::test
