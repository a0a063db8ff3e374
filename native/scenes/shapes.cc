#include "scenes/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>
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

/// Where the shapes are on a drawing of `width` x `height`. Their sizes and speeds go by the picture's `side`.
std::array<Shape, kShapes> ShapesAt(int index, int width, int height, double side, const ShapesOptions& options) {
  Random random(options.seed);
  std::array<Shape, kShapes> shapes{};
  for (size_t i = 0; i < kShapes; ++i) {
    Shape& shape = shapes[i];
    shape.kind = static_cast<Kind>(i % 3);
    shape.color = kColors[i];
    shape.half_width = side * (0.07 + 0.09 * random.Next());
    shape.half_height = shape.kind == Kind::kDisc ? shape.half_width : side * (0.07 + 0.09 * random.Next());
    if (options.twins && i >= kShapes / 2) {
      const Shape& twin = shapes[i - kShapes / 2];
      shape = {twin.kind, twin.color, 0.0, 0.0, twin.half_width, twin.half_height};
    }
    // Beyond the edges there is room for all of the shape, and some more.
    const double beyond = options.leave ? 3.0 * shape.half_width : 0.0;
    const double room_x = width - 2.0 * shape.half_width + 2.0 * beyond;
    const double room_y = height - 2.0 * shape.half_height;
    const double start_x = random.Next() * 2.0 * room_x;
    const double start_y = random.Next() * 2.0 * room_y;
    const double speed_x = side * (0.002 + 0.006 * random.Next());
    const double speed_y = side * (0.002 + 0.006 * random.Next());
    shape.x = shape.half_width - beyond + Bounce(start_x + speed_x * index, room_x);
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

/// The shape, and `label` at its pixels. `labels` may be null.
void DrawShape(const Shape& shape, int width, int height, uint16_t label, uint8_t* rgb, uint16_t* labels) {
  const int first = std::max(0, static_cast<int>(shape.y - shape.half_height));
  const int last = std::min(height - 1, static_cast<int>(shape.y + shape.half_height));
  for (int y = first; y <= last; ++y) {
    const double half = HalfWidthAt(shape, y + 0.5 - shape.y);
    if (half < 0.0) continue;
    // Pixels whose centres lie in the span.
    const int begin = std::max(0, static_cast<int>(std::ceil(shape.x - half - 0.5)));
    const int end = std::min(width, static_cast<int>(std::floor(shape.x + half - 0.5)) + 1);
    const size_t row = static_cast<size_t>(y) * static_cast<size_t>(width);
    for (int x = begin; x < end; ++x) {
      std::copy(shape.color.begin(), shape.color.end(), rgb + 3 * (row + static_cast<size_t>(x)));
      if (labels != nullptr) labels[row + static_cast<size_t>(x)] = label;
    }
  }
}

/// The disc on a shape, in the colour of another.
Shape PieceOf(const Shape& shape, size_t index) {
  const double radius = 0.4 * std::min(shape.half_width, shape.half_height);
  // The middle of a triangle is where it is wide.
  const double y = shape.kind == Kind::kTriangle ? shape.y + 0.35 * shape.half_height : shape.y;
  return {Kind::kDisc, kColors[(index + 3) % kShapes], shape.x, y, radius, radius};
}

/// Pixels of the shape when nothing hides it.
double AreaOf(const Shape& shape) {
  constexpr std::array<double, 3> kShare{3.141592653589793 / 4.0, 1.0, 0.5};
  return kShare[static_cast<size_t>(shape.kind)] * 4.0 * shape.half_width * shape.half_height;
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

/// A camera's motion can be told from tiles, not from a gradient.
void DrawTiles(int width, int height, double side, uint32_t seed, uint8_t* rgb) {
  constexpr int kLevels = 29;
  const int tile = std::max(4, static_cast<int>(side / 24.0));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const uint32_t hash = HashLattice(static_cast<uint32_t>(x / tile), static_cast<uint32_t>(y / tile), seed);
      const int change = static_cast<int>(hash % kLevels) - kLevels / 2;
      uint8_t* pixel = rgb + 3 * (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x));
      for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>(pixel[c] + change);
    }
  }
}

/// Bounds and sizes from the labels, and leaves out what is not visible.
void Measure(int width, int height, double scale, const std::vector<double>& areas, ShapesTruth& truth) {
  const auto count = [](ShapesInstance& instance, int x, int y) {
    if (instance.visible_pixels++ == 0) instance.x0 = instance.x1 = x, instance.y0 = y;
    instance.x0 = std::min(instance.x0, x);
    instance.x1 = std::max(instance.x1, x + 1);
    instance.y1 = y + 1;
  };
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const uint16_t label = truth.labels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
      if (label == 0) continue;
      ShapesInstance& instance = truth.instances[label - 1u];
      count(instance, x, y);
      if (instance.parent >= 0) count(truth.instances[static_cast<size_t>(instance.parent)], x, y);
    }
  }
  std::vector<uint16_t> renamed(truth.instances.size() + 1, 0);
  std::vector<ShapesInstance> visible;
  for (size_t i = 0; i < truth.instances.size(); ++i) {
    ShapesInstance instance = truth.instances[i];
    if (instance.visible_pixels == 0) continue;
    instance.visible_fraction = std::min(1.0, instance.visible_pixels / std::max(1.0, scale * scale * areas[i]));
    visible.push_back(instance);
    renamed[i + 1] = static_cast<uint16_t>(visible.size());
  }
  for (uint16_t& label : truth.labels) label = renamed[label];
  truth.instances = std::move(visible);
}

}  // namespace

void RenderShapes(int index, const ShapesOptions& options, uint8_t* rgb, ShapesTruth* truth) {
  const View view = ViewAt(index, options.width, options.height, options.view);
  const double side = std::min(options.width, options.height);
  const size_t scene_pixels = static_cast<size_t>(view.width) * static_cast<size_t>(view.height);
  std::vector<uint8_t> scene_rgb(view.direct ? 0 : 3 * scene_pixels);
  std::vector<uint16_t> scene_labels(view.direct || !truth ? 0 : scene_pixels);
  if (truth) {
    truth->labels.assign(static_cast<size_t>(options.width) * static_cast<size_t>(options.height), 0);
    truth->instances.clear();
  }
  uint8_t* drawing = view.direct ? rgb : scene_rgb.data();
  uint16_t* labels = truth ? (view.direct ? truth->labels.data() : scene_labels.data()) : nullptr;
  DrawGradient(view.width, view.height, drawing);
  if (!view.direct) DrawTiles(view.width, view.height, side, options.seed, drawing);
  const std::array<Shape, kShapes> shapes = ShapesAt(index, view.width, view.height, side, options);
  // Shapes have the ids 0..7, their pieces 8..15.
  std::vector<double> areas(options.pieces ? 2 * kShapes : kShapes, 0.0);
  for (size_t i = 0; i < kShapes; ++i) {
    DrawShape(shapes[i], view.width, view.height, static_cast<uint16_t>(i + 1), drawing, labels);
    areas[i] = AreaOf(shapes[i]);
    if (!options.pieces) continue;
    const Shape piece = PieceOf(shapes[i], i);
    DrawShape(piece, view.width, view.height, static_cast<uint16_t>(kShapes + i + 1), drawing, labels);
    areas[kShapes + i] = AreaOf(piece);
  }
  DrawBar(view, options.view, drawing, labels);
  if (!view.direct) {
    Look(view, drawing, labels, options.width, options.height, rgb, truth ? truth->labels.data() : nullptr);
  }
  DimLight(index, options.view, options.width, options.height, rgb);
  if (!truth) return;
  for (size_t i = 0; i < areas.size(); ++i) {
    ShapesInstance& instance = truth->instances.emplace_back();
    instance.id = static_cast<int>(i);
    instance.parent = i < kShapes ? -1 : static_cast<int>(i) - kShapes;
  }
  Measure(options.width, options.height, 1.0 / view.to_scene.Scale(), areas, *truth);
}

}  // namespace fastsamd
