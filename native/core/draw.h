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
  /// Opacity of the label's text, label_width * label_height bytes; null for none.
  const uint8_t* label_alpha = nullptr;
  int label_width = 0;
  int label_height = 0;
  /// Upper left corner of the label; moved inside the frame.
  int label_left = 0;
  int label_top = 0;
  /// Colour of the label's text, 0xRRGGBB; its ground is the object's colour.
  uint32_t label_ink = 0xFFFFFF;
  /// Outline the object's box too, with a line half as wide as the contour.
  bool box = false;
};

/// Writes the frame as tight RGB (width * height * 3 bytes) into `rgb` with every object's mask blended in its colour,
/// its inner contour (2 px, more on frames above 720 lines), its box where asked for, and its label. Objects are drawn
/// in the order given, boxes on top of all masks, labels on top of all. Errors: kMisuse when image and segments differ
/// in size, an index is out of range or runs do not fit the frame.
Status DrawOverlay(const ImageView& image, const Segments& segments, const OverlayObject* objects, size_t count,
                   uint8_t* rgb);

}  // namespace fastsamd
