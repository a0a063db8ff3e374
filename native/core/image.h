#pragma once

#include <array>
#include <cstdint>

#include "core/result.h"

namespace fastsamd {

enum class PixelFormat : uint8_t { kRgb, kBgr, kRgba, kNv12, kI420 };
enum class ColorMatrix : uint8_t { kBt601, kBt709, kBt2020 };
enum class ColorRange : uint8_t { kLimited, kFull };

/// Largest accepted side, in pixels: keeps every pixel index of a frame within 32 bits.
inline constexpr int kMaxSide = 32768;
/// Largest accepted distance between rows, in bytes.
inline constexpr int kMaxStride = 1 << 20;

/// Somebody else's pixels. Planes: one for rgb, bgr and rgba; Y and interleaved UV for nv12; Y, U and V for i420.
/// Chroma planes are (width + 1) / 2 by (height + 1) / 2 samples.
struct ImageView {
  PixelFormat format = PixelFormat::kRgb;
  int width = 0;
  int height = 0;
  std::array<const uint8_t*, 3> planes{};
  std::array<int, 3> strides{};
  ColorMatrix matrix = ColorMatrix::kBt601;
  ColorRange range = ColorRange::kLimited;
};

}  // namespace fastsamd
