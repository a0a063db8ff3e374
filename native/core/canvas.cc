#include "core/canvas.h"

#include <algorithm>
#include <string>

#include "core/image.h"

namespace fastsamd {

Rgb Unpack(uint32_t color) {
  return {static_cast<uint8_t>(color >> 16), static_cast<uint8_t>(color >> 8), static_cast<uint8_t>(color)};
}

void FillSpan(uint8_t* rgb, int pixels, const Rgb& color) {
  for (int i = 0; i < pixels; ++i) std::copy(color.begin(), color.end(), rgb + static_cast<size_t>(i) * 3);
}

Status Validate(const Stamp& stamp) {
  if (stamp.width >= 1 && stamp.height >= 1 && stamp.width <= kMaxSide && stamp.height <= kMaxSide) return Ok();
  return Error{ErrorCode::kMisuse, "expected a label of 1 to " + std::to_string(kMaxSide) + " pixels a side, got " +
                                       std::to_string(stamp.width) + "x" + std::to_string(stamp.height)};
}

void DrawStamp(const Canvas& canvas, const Stamp& stamp) {
  const Rgb ink = Unpack(stamp.ink);
  const Rgb ground = Unpack(stamp.ground);
  const int left = std::clamp(stamp.left, 0, std::max(0, canvas.width - stamp.width));
  const int top = std::clamp(stamp.top, 0, std::max(0, canvas.height - stamp.height));
  const int columns = std::min(stamp.width, canvas.width);
  const int rows = std::min(stamp.height, canvas.height);
  for (int y = 0; y < rows; ++y) {
    const uint8_t* alpha = stamp.alpha + static_cast<size_t>(y) * static_cast<size_t>(stamp.width);
    uint8_t* out = canvas.At(left, top + y);
    for (int x = 0; x < columns; ++x) {
      for (size_t c = 0; c < 3; ++c) {
        *out++ = static_cast<uint8_t>((ground[c] * (255 - alpha[x]) + ink[c] * alpha[x] + 127) / 255);
      }
    }
  }
}

}  // namespace fastsamd
