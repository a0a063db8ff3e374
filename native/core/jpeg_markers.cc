#include "core/jpeg_markers.h"

#include <algorithm>
#include <cstring>

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

namespace {

constexpr uint8_t kSoi = 0xD8;
constexpr uint8_t kEoi = 0xD9;
constexpr uint8_t kSos = 0xDA;

bool IsRestart(uint8_t marker) { return marker >= 0xD0 && marker <= 0xD7; }

/// The next byte 0xFF at or behind `at`; `size` when there is none.
size_t FindMarker(const uint8_t* data, size_t size, size_t at) {
  if (at >= size) return size;
  const void* found = std::memchr(data + at, 0xFF, size - at);
  return found == nullptr ? size : static_cast<size_t>(static_cast<const uint8_t*>(found) - data);
}

}  // namespace

JpegState ReadJpegState(const uint8_t* data, size_t size) {
  if (size < 2 || data[0] != 0xFF || data[1] != kSoi) return JpegState::kOther;
  bool in_scan = false;
  unsigned restarts = 0;
  size_t at = FindMarker(data, size, 2);
  while (at + 1 < size) {
    const uint8_t marker = data[at + 1];
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    if (marker == kEoi) return JpegState::kWhole;
    if (marker == kSoi) return JpegState::kDamaged;
    if (in_scan && IsRestart(marker) && (restarts++ & 7U) != (marker & 7U)) return JpegState::kDamaged;
    size_t next = at + 2;
    const bool alone = marker <= 0x01 || IsRestart(marker);
    if (!alone) {
      if (at + 4 > size) return JpegState::kCut;
      next += std::max<size_t>(static_cast<size_t>(data[at + 2]) << 8 | data[at + 3], 2);
      in_scan = marker == kSos;
      restarts = 0;
    }
    at = FindMarker(data, size, next);
  }
  return JpegState::kCut;
}

}  // namespace fastsamd
