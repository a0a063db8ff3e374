#include "scenes/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#include "core/random.h"

namespace fastsamd {
namespace {

constexpr int kShapes = 8;

enum class Kind : uint8_t { kDisc, kRectangle, kTriangle };

struct Shape {
  Kind kind;
  std::array<uint8_t, 3> color;
  double x;
  double y;
  double half_width;
  double half_height;
};

constexpr std::array<std::array<uint8_t, 3>, kShapes> kColors{{{220, 50, 47},
                                                               {38, 139, 210},
                                                               {133, 193, 34},
                                                               {240, 200, 20},
                                                               {211, 54, 190},
                                                               {42, 190, 180},
                                                               {245, 130, 30},
                                                               {240, 240, 235}}};

/// A point that travels between 0 and `length` and turns at both ends.
double Bounce(double distance, double length) {
  if (length <= 0.0) return 0.0;
  const double phase = std::fmod(std::fabs(distance), 2.0 * length);
  return phase <= length ? phase : 2.0 * length - phase;
}

std::array<Shape, kShapes> ShapesAt(int index, int width, int height, uint32_t seed) {
  Random random(seed);
  const double side = std::min(width, height);
  std::array<Shape, kShapes> shapes{};
  for (size_t i = 0; i < kShapes; ++i) {
    Shape& shape = shapes[i];
    shape.kind = static_cast<Kind>(i % 3);
    shape.color = kColors[i];
    shape.half_width = side * (0.07 + 0.09 * random.Next());
    shape.half_height = shape.kind == Kind::kDisc ? shape.half_width : side * (0.07 + 0.09 * random.Next());
    const double room_x = width - 2.0 * shape.half_width;
    const double room_y = height - 2.0 * shape.half_height;
    const double start_x = random.Next() * 2.0 * room_x;
    const double start_y = random.Next() * 2.0 * room_y;
    const double speed_x = side * (0.002 + 0.006 * random.Next());
    const double speed_y = side * (0.002 + 0.006 * random.Next());
    shape.x = shape.half_width + Bounce(start_x + speed_x * index, room_x);
    shape.y = shape.half_height + Bounce(start_y + speed_y * index, room_y);
  }
  return shapes;
}

/// Half the width of the shape on the line `dy` below its centre; negative outside of it.
double HalfWidthAt(const Shape& shape, double dy) {
  if (std::fabs(dy) > shape.half_height) return -1.0;
  switch (shape.kind) {
    case Kind::kDisc:
      return std::sqrt(shape.half_width * shape.half_width - dy * dy);
    case Kind::kTriangle:
      return shape.half_width * (dy + shape.half_height) / (2.0 * shape.half_height);
    case Kind::kRectangle:
      break;
  }
  return shape.half_width;
}

void DrawShape(const Shape& shape, int width, int height, uint8_t* rgb) {
  const int first = std::max(0, static_cast<int>(shape.y - shape.half_height));
  const int last = std::min(height - 1, static_cast<int>(shape.y + shape.half_height));
  for (int y = first; y <= last; ++y) {
    const double half = HalfWidthAt(shape, y + 0.5 - shape.y);
    if (half < 0.0) continue;
    // Pixels whose centres lie in the span.
    const int begin = std::max(0, static_cast<int>(std::ceil(shape.x - half - 0.5)));
    const int end = std::min(width, static_cast<int>(std::floor(shape.x + half - 0.5)) + 1);
    uint8_t* row = rgb + static_cast<size_t>(y) * static_cast<size_t>(width) * 3;
    for (int x = begin; x < end; ++x)
      std::copy(shape.color.begin(), shape.color.end(), row + static_cast<size_t>(x) * 3);
  }
}

/// Red and blue grow to the right, green downwards. A row is drawn when its green differs from the row above.
void DrawGradient(int width, int height, uint8_t* rgb) {
  constexpr int kDark = 60;
  constexpr int kSpan = 48;
  const size_t row_bytes = static_cast<size_t>(width) * 3;
  std::vector<uint8_t> row(row_bytes);
  int drawn = -1;
  for (int y = 0; y < height; ++y) {
    const int green = kDark + kSpan * y / height;
    if (green != drawn) {
      for (int x = 0; x < width; ++x) {
        uint8_t* pixel = row.data() + static_cast<size_t>(x) * 3;
        pixel[0] = static_cast<uint8_t>(kDark + kSpan * x / width);
        pixel[1] = static_cast<uint8_t>(green);
        pixel[2] = static_cast<uint8_t>(kDark + kSpan / 2 + kSpan * x / width);
      }
      drawn = green;
    }
    std::memcpy(rgb + static_cast<size_t>(y) * row_bytes, row.data(), row_bytes);
  }
}

}  // namespace

void RenderShapes(int index, int width, int height, uint32_t seed, uint8_t* rgb) {
  DrawGradient(width, height, rgb);
  for (const Shape& shape : ShapesAt(index, width, height, seed)) DrawShape(shape, width, height, rgb);
}

}  // namespace fastsamd
