#include "core/jpeg_size.h"

#include <algorithm>

namespace fastsamd {

JpegSize ReadJpegSize(const uint8_t* data, size_t size) {
  if (size < 4 || data[0] != 0xFF || data[1] != 0xD8) return {};
  size_t at = 2;
  while (at + 4 <= size) {
    if (data[at] != 0xFF) return {};
    const uint8_t marker = data[at + 1];
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    const bool alone = marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
    if (alone) {
      at += 2;
      continue;
    }
    if (marker == 0xD9 || marker == 0xDA) return {};
    const size_t length = static_cast<size_t>(data[at + 2]) << 8 | data[at + 3];
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) {
      if (length < 8 || at + 9 > size) return {};
      return {data[at + 7] << 8 | data[at + 8], data[at + 5] << 8 | data[at + 6]};
    }
    at += 2 + std::max<size_t>(length, 2);
  }
  return {};
}

}  // namespace fastsamd
