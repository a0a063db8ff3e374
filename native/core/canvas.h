#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/result.h"

namespace fastsamd {

using Rgb = std::array<uint8_t, 3>;

/// From 0xRRGGBB.
Rgb Unpack(uint32_t color);

/// A tight RGB picture that is drawn on.
struct Canvas {
  uint8_t* rgb;
  int width;
  int height;

  uint8_t* At(int x, int y) const {
    return rgb + (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) * 3;
  }
};

void FillSpan(uint8_t* rgb, int pixels, const Rgb& color);

/// A rectangle of text.
struct Stamp {
  /// Opacity of the text, width * height bytes.
  const uint8_t* alpha = nullptr;
  int width = 0;
  int height = 0;
  /// Upper left corner; moved inside the picture.
  int left = 0;
  int top = 0;
  /// Colours of text and ground, 0xRRGGBB.
  uint32_t ink = 0xFFFFFF;
  uint32_t ground = 0;
};

/// Errors: kMisuse for sides outside 1...kMaxSide.
Status Validate(const Stamp& stamp);

/// A stamp larger than the picture is cut off at its right and its bottom.
void DrawStamp(const Canvas& canvas, const Stamp& stamp);

}  // namespace fastsamd
