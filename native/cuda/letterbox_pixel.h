#pragma once

#include <cstdint>

#include "core/geometry.h"
#include "core/image.h"
#include "core/taps.h"
#include "core/yuv.h"
#include "cuda/half.h"

namespace fastsamd::cuda {

/// What the letterbox kernel reads. All pointers are the device's.
struct LetterboxInput {
  const uint8_t* planes[3];
  int strides[3];
  YuvMatrix yuv;
  /// One tap per column and per row of the content, of MakeTaps.
  const Tap* columns;
  const Tap* rows;
  int input_width;
  int input_height;
  int content_width;
  int content_height;
  int left;
  int top;
};

struct Rgb {
  int red;
  int green;
  int blue;
};

/// Truncates to 8 bit as AddChroma of core/yuv.cc does.
FASTSAMD_DEVICE int ToByte(float value) {
  const int whole = static_cast<int>(value);
  return whole < 0 ? 0 : (whole > 255 ? 255 : whole);
}

/// One source pixel, converted to 8 bit RGB as ToRgb of native/core does.
template <PixelFormat kFormat>
FASTSAMD_DEVICE Rgb SourcePixel(const LetterboxInput& in, int x, int y) {
  const uint8_t* row = in.planes[0] + static_cast<size_t>(y) * static_cast<size_t>(in.strides[0]);
  if constexpr (kFormat == PixelFormat::kNv12 || kFormat == PixelFormat::kI420) {
    int u = 0;
    int v = 0;
    const size_t chroma_row = static_cast<size_t>(y / 2);
    if constexpr (kFormat == PixelFormat::kNv12) {
      const uint8_t* uv = in.planes[1] + chroma_row * static_cast<size_t>(in.strides[1]) + 2 * (x / 2);
      u = uv[0];
      v = uv[1];
    } else {
      u = in.planes[1][chroma_row * static_cast<size_t>(in.strides[1]) + static_cast<size_t>(x / 2)];
      v = in.planes[2][chroma_row * static_cast<size_t>(in.strides[2]) + static_cast<size_t>(x / 2)];
    }
    const float luma = (static_cast<float>(row[x]) - in.yuv.luma_offset) * in.yuv.luma_scale + 0.5F;
    const float du = static_cast<float>(u) - 128.0F;
    const float dv = static_cast<float>(v) - 128.0F;
    return {ToByte(luma + in.yuv.red_v * dv), ToByte(luma + (in.yuv.green_u * du + in.yuv.green_v * dv)),
            ToByte(luma + in.yuv.blue_u * du)};
  } else {
    constexpr int kStep = kFormat == PixelFormat::kRgba ? 4 : 3;
    constexpr int kRed = kFormat == PixelFormat::kBgr ? 2 : 0;
    const uint8_t* pixel = row + static_cast<size_t>(x) * kStep;
    return {pixel[kRed], pixel[1], pixel[2 - kRed]};
  }
}

/// BlendRows of core/letterbox.cc for one value: between two horizontally resampled sums, then 0..1.
FASTSAMD_DEVICE float Blend(int upper, int lower, const Tap& tap) {
  const int a = (tap.low_weight * (upper >> 4)) >> 16;
  const int b = (tap.high_weight * (lower >> 4)) >> 16;
  return static_cast<float>((a + b + 2) >> 2) / 255.0F;
}

/// The letterbox's three values at input pixel (x, y); `output` is [3, input_height, input_width] of float or Half.
template <PixelFormat kFormat, typename T>
FASTSAMD_DEVICE void LetterboxPixel(const LetterboxInput& in, int x, int y, T* output) {
  const size_t plane = static_cast<size_t>(in.input_width) * static_cast<size_t>(in.input_height);
  const size_t at = static_cast<size_t>(y) * static_cast<size_t>(in.input_width) + static_cast<size_t>(x);
  const int content_x = x - in.left;
  const int content_y = y - in.top;
  float red = 114.0F / 255.0F;
  float green = red;
  float blue = red;
  if (content_x >= 0 && content_x < in.content_width && content_y >= 0 && content_y < in.content_height) {
    const Tap column = in.columns[content_x];
    const Tap row = in.rows[content_y];
    const Rgb a = SourcePixel<kFormat>(in, column.low, row.low);
    const Rgb b = SourcePixel<kFormat>(in, column.high, row.low);
    const Rgb c = SourcePixel<kFormat>(in, column.low, row.high);
    const Rgb d = SourcePixel<kFormat>(in, column.high, row.high);
    red = Blend(a.red * column.low_weight + b.red * column.high_weight,
                c.red * column.low_weight + d.red * column.high_weight, row);
    green = Blend(a.green * column.low_weight + b.green * column.high_weight,
                  c.green * column.low_weight + d.green * column.high_weight, row);
    blue = Blend(a.blue * column.low_weight + b.blue * column.high_weight,
                 c.blue * column.low_weight + d.blue * column.high_weight, row);
  }
  Store(output, at, red);
  Store(output, plane + at, green);
  Store(output, 2 * plane + at, blue);
}

}  // namespace fastsamd::cuda
