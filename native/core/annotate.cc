#include "core/annotate.h"

#include <algorithm>
#include <cmath>

#include "core/color.h"

namespace fastsamd {
namespace {

int ClipToInt(double value, int limit) { return static_cast<int>(std::clamp(value, 0.0, static_cast<double>(limit))); }

/// Covers each pixel by how far its centre lies inside the line.
void DrawPiece(const Canvas& canvas, const double* a, const double* b, double width, const Rgb& color) {
  const double half = width / 2;
  const double reach = half + 1;
  const int x0 = ClipToInt(std::floor(std::min(a[0], b[0]) - reach), canvas.width);
  const int x1 = ClipToInt(std::ceil(std::max(a[0], b[0]) + reach), canvas.width);
  const int y0 = ClipToInt(std::floor(std::min(a[1], b[1]) - reach), canvas.height);
  const int y1 = ClipToInt(std::ceil(std::max(a[1], b[1]) + reach), canvas.height);
  const double dx = b[0] - a[0];
  const double dy = b[1] - a[1];
  const double square = dx * dx + dy * dy;
  for (int y = y0; y < y1; ++y) {
    for (int x = x0; x < x1; ++x) {
      const double px = x + 0.5 - a[0];
      const double py = y + 0.5 - a[1];
      const double along = square > 0 ? std::clamp((px * dx + py * dy) / square, 0.0, 1.0) : 0.0;
      const double cover = std::min(1.0, half + 0.5 - std::hypot(px - along * dx, py - along * dy));
      if (cover <= 0) continue;
      uint8_t* pixel = canvas.At(x, y);
      for (size_t c = 0; c < 3; ++c) {
        pixel[c] = static_cast<uint8_t>(pixel[c] + (color[c] - pixel[c]) * cover + 0.5);
      }
    }
  }
}

Status Validate(const Polyline& line) {
  if (!(line.width >= 0 && line.width <= kMaxSide)) return Error{ErrorCode::kMisuse, "expected a line width in pixels"};
  const bool finite =
      std::all_of(line.points, line.points + 2 * line.count, [](double value) { return std::isfinite(value); });
  return finite ? Ok() : Error{ErrorCode::kMisuse, "expected lines with finite coordinates"};
}

}  // namespace

Status Annotate(const ImageView& image, const std::vector<Polyline>& lines, const std::vector<Stamp>& stamps,
                uint8_t* rgb) {
  for (const Polyline& line : lines) {
    if (Status valid = Validate(line); !valid.ok()) return valid;
  }
  for (const Stamp& stamp : stamps) {
    if (Status valid = Validate(stamp); !valid.ok()) return valid;
  }
  if (Status converted = ToRgb(image, rgb); !converted.ok()) return converted;
  const Canvas canvas{rgb, image.width, image.height};
  for (const Polyline& line : lines) {
    const Rgb color = Unpack(line.color);
    for (size_t k = 0; k + 1 < line.count; ++k) {
      DrawPiece(canvas, line.points + 2 * k, line.points + 2 * k + 2, line.width, color);
    }
    if (line.closed && line.count > 1) {
      DrawPiece(canvas, line.points + 2 * (line.count - 1), line.points, line.width, color);
    }
  }
  for (const Stamp& stamp : stamps) DrawStamp(canvas, stamp);
  return Ok();
}

}  // namespace fastsamd
