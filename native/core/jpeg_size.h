#pragma once

#include <cstddef>
#include <cstdint>

namespace fastsamd {

/// Width and height in pixels; zeros when they are not known.
struct JpegSize {
  int64_t width = 0;
  int64_t height = 0;
};

/// What the frame header (SOF0 to SOF15, ITU-T T.81 B.2.2) of the JPEG file `data` claims. Nothing is decoded.
JpegSize ReadJpegSize(const uint8_t* data, size_t size);

}  // namespace fastsamd
