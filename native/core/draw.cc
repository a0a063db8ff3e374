#include "core/draw.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/color.h"
#include "core/mask_window.h"

namespace fastsamd {
namespace {

/// Opacity of a filled mask, of 256.
constexpr int kFillAlpha = 115;
constexpr int kMinContour = 2;
constexpr int kMaxContour = 8;
/// Frame lines per pixel of contour.
constexpr int kLinesPerContourPixel = 360;

using Rgb = std::array<uint8_t, 3>;

/// The frame that is drawn on.
struct Canvas {
  uint8_t* rgb;
  int width;
  int height;

  uint8_t* At(int x, int y) const {
    return rgb + (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) * 3;
  }
};

Rgb Unpack(uint32_t color) {
  return {static_cast<uint8_t>(color >> 16), static_cast<uint8_t>(color >> 8), static_cast<uint8_t>(color)};
}

int ContourWidth(const Canvas& canvas) {
  const int lines = std::min(canvas.width, canvas.height);
  return std::clamp((lines + kLinesPerContourPixel / 2) / kLinesPerContourPixel, kMinContour, kMaxContour);
}

void BlendSpan(uint8_t* rgb, int pixels, const Rgb& color) {
  for (int i = 0; i < pixels; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      uint8_t& value = rgb[static_cast<size_t>(i) * 3 + c];
      value = static_cast<uint8_t>((value * (256 - kFillAlpha) + color[c] * kFillAlpha + 128) >> 8);
    }
  }
}

void FillSpan(uint8_t* rgb, int pixels, const Rgb& color) {
  for (int i = 0; i < pixels; ++i) std::copy(color.begin(), color.end(), rgb + static_cast<size_t>(i) * 3);
}

/// Blends the mask and paints its inner contour, window by window. The windows overlap by the contour's width on
/// either side, because erosion eats into a window from its edges.
void DrawMask(const Canvas& canvas, const Run* runs, size_t count, const Rgb& color) {
  if (count == 0) return;
  const int contour = ContourWidth(canvas);
  const int step = MaskWindow::kColumns - 2 * contour;
  const uint64_t own_columns = ((uint64_t{1} << step) - 1) << contour;
  const uint32_t height = static_cast<uint32_t>(canvas.height);
  const int last_column = static_cast<int>((runs[count - 1].end - 1) / height);
  MaskWindow mask(canvas.height);
  MaskWindow inside(canvas.height);
  for (int x = static_cast<int>(runs[0].start / height); x <= last_column; x += step) {
    const int x0 = x - contour;
    mask.Load(runs, count, x0);
    inside = mask;
    for (int i = 0; i < contour; ++i) inside.Erode();
    for (int y = 0; y < canvas.height; ++y) {
      const uint64_t bits = mask.Row(y) & own_columns;
      if (bits == 0) continue;
      const auto blend = [&](int first, int length) { BlendSpan(canvas.At(x0 + first, y), length, color); };
      const auto paint = [&](int first, int length) { FillSpan(canvas.At(x0 + first, y), length, color); };
      ForEachBitRun(bits & inside.Row(y), blend);
      ForEachBitRun(bits & ~inside.Row(y), paint);
    }
  }
}

/// `side` rounded to whole pixels and clipped to 0...limit. A NaN becomes 0.
int ClipSide(float side, int limit) {
  if (!(side > 0.0F)) return 0;
  return side < static_cast<float>(limit) ? static_cast<int>(side + 0.5F) : limit;
}

void FillRectangle(const Canvas& canvas, int x1, int y1, int x2, int y2, const Rgb& color) {
  for (int y = y1; y < y2; ++y) FillSpan(canvas.At(x1, y), std::max(0, x2 - x1), color);
}

/// The outline lies inside the box, so that a box on the frame's border stays visible.
void DrawBox(const Canvas& canvas, const float* box, const Rgb& color) {
  const int x1 = ClipSide(box[0], canvas.width);
  const int y1 = ClipSide(box[1], canvas.height);
  const int x2 = ClipSide(box[2], canvas.width);
  const int y2 = ClipSide(box[3], canvas.height);
  const int line = std::min({std::max(1, ContourWidth(canvas) / 2), x2 - x1, y2 - y1});
  if (line <= 0) return;
  FillRectangle(canvas, x1, y1, x2, y1 + line, color);
  FillRectangle(canvas, x1, y2 - line, x2, y2, color);
  FillRectangle(canvas, x1, y1, x1 + line, y2, color);
  FillRectangle(canvas, x2 - line, y1, x2, y2, color);
}

void DrawLabel(const Canvas& canvas, const OverlayObject& object, const Rgb& color) {
  const Rgb ink = Unpack(object.label_ink);
  const int left = std::clamp(object.label_left, 0, std::max(0, canvas.width - object.label_width));
  const int top = std::clamp(object.label_top, 0, std::max(0, canvas.height - object.label_height));
  const int columns = std::min(object.label_width, canvas.width);
  const int rows = std::min(object.label_height, canvas.height);
  for (int y = 0; y < rows; ++y) {
    const uint8_t* alpha = object.label_alpha + static_cast<size_t>(y) * static_cast<size_t>(object.label_width);
    uint8_t* out = canvas.At(left, top + y);
    for (int x = 0; x < columns; ++x) {
      for (size_t c = 0; c < 3; ++c) {
        *out++ = static_cast<uint8_t>((color[c] * (255 - alpha[x]) + ink[c] * alpha[x] + 127) / 255);
      }
    }
  }
}

Status ValidateOverlay(const ImageView& image, const Segments& segments, const OverlayObject* objects, size_t count) {
  if (Status valid = Validate(segments); !valid.ok()) return valid;
  if (image.width != segments.width || image.height != segments.height) {
    return Error{ErrorCode::kMisuse, "expected segments of the frame's size, " + std::to_string(image.width) + "x" +
                                         std::to_string(image.height) + ", got " + std::to_string(segments.width) +
                                         "x" + std::to_string(segments.height)};
  }
  for (size_t i = 0; i < count; ++i) {
    const OverlayObject& object = objects[i];
    if (object.index >= segments.count()) {
      return Error{ErrorCode::kMisuse, "expected the index of one of " + std::to_string(segments.count()) +
                                           " objects, got " + std::to_string(object.index)};
    }
    const bool sized = object.label_width >= 1 && object.label_height >= 1 && object.label_width <= kMaxSide &&
                       object.label_height <= kMaxSide;
    if (object.label_alpha != nullptr && !sized) {
      return Error{ErrorCode::kMisuse, "expected a label of 1 to " + std::to_string(kMaxSide) + " pixels a side, got " +
                                           std::to_string(object.label_width) + "x" +
                                           std::to_string(object.label_height)};
    }
  }
  return Ok();
}

}  // namespace

Status DrawOverlay(const ImageView& image, const Segments& segments, const OverlayObject* objects, size_t count,
                   uint8_t* rgb) {
  if (Status valid = ValidateOverlay(image, segments, objects, count); !valid.ok()) return valid;
  if (Status converted = ToRgb(image, rgb); !converted.ok()) return converted;
  const Canvas canvas{rgb, image.width, image.height};
  for (size_t i = 0; i < count; ++i) {
    const uint32_t begin = segments.offsets[objects[i].index];
    const uint32_t end = segments.offsets[objects[i].index + 1];
    DrawMask(canvas, segments.runs.data() + begin, end - begin, Unpack(objects[i].color));
  }
  for (size_t i = 0; i < count; ++i) {
    if (!objects[i].box) continue;
    DrawBox(canvas, segments.boxes.data() + static_cast<size_t>(objects[i].index) * 4, Unpack(objects[i].color));
  }
  for (size_t i = 0; i < count; ++i) {
    if (objects[i].label_alpha != nullptr) DrawLabel(canvas, objects[i], Unpack(objects[i].color));
  }
  return Ok();
}

}  // namespace fastsamd
