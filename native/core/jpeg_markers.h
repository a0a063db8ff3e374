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

enum class JpegState {
  /// Begins with SOI and has its end marker (EOI).
  kWhole,
  /// Begins with SOI and stops before its end marker.
  kCut,
  /// The restart markers are out of order, or another picture begins within this one: something in between is missing.
  kDamaged,
  /// Does not begin as a JPEG file.
  kOther,
};

/// Whether the markers of the JPEG file `data` show that a part of it is missing. Entropy-coded data is searched for
/// markers, not decoded: damage that leaves the markers as they are is not seen.
JpegState ReadJpegState(const uint8_t* data, size_t size);

}  // namespace fastsamd
