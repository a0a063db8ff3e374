#include "core/draw.h"

#include <algorithm>
#include <string>

#include "core/canvas.h"
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

Stamp StampOf(const OverlayObject& object) {
  return {object.label_alpha, object.label_width, object.label_height, object.label_left,
          object.label_top,   object.label_ink,   object.color};
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
    if (object.label_alpha == nullptr) continue;
    if (Status valid = Validate(StampOf(object)); !valid.ok()) return valid;
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
    if (objects[i].label_alpha != nullptr) DrawStamp(canvas, StampOf(objects[i]));
  }
  return Ok();
}

}  // namespace fastsamd
