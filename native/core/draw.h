#pragma once

#include <cstddef>
#include <cstdint>

#include "core/image.h"
#include "core/result.h"
#include "core/segments.h"

namespace fastsamd {

/// How one object is shown.
struct OverlayObject {
  /// Index into the segments.
  uint32_t index = 0;
  /// 0xRRGGBB.
  uint32_t color = 0;
  /// Opacity of the label, label_width * label_height bytes; null for none.
  const uint8_t* label_alpha = nullptr;
  int label_width = 0;
  int label_height = 0;
};

/// Writes the frame as tight RGB (width * height * 3 bytes) into `rgb` with every object's mask blended in its colour,
/// its inner contour (2 px, more on frames above 720 lines) and its label, white on the object's colour, at the upper
/// left corner of its box and moved inside the frame. Objects are drawn in the order given, labels on top of all.
/// Errors: kMisuse when image and segments differ in size, an index is out of range or runs do not fit the frame.
Status DrawOverlay(const ImageView& image, const Segments& segments, const OverlayObject* objects, size_t count,
                   uint8_t* rgb);

}  // namespace fastsamd
