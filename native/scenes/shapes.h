#pragma once

#include <cstdint>
#include <vector>

#include "scenes/view.h"

namespace fastsamd {

struct ShapesOptions {
  /// 1..kMaxSide.
  int width = 0;
  int height = 0;
  uint32_t seed = 0;
  /// Two of each: same form, colour and size.
  bool twins = false;
  /// Shapes leave the picture and come back instead of turning at its edges.
  bool leave = false;
  /// Every shape has a disc of another colour on it, which is an object within it.
  bool pieces = false;
  ViewOptions view = {};
};

/// What is true about one shape, or piece of one, in one picture.
struct ShapesInstance {
  /// The same in every picture of the scene.
  int id = 0;
  /// Of a piece, the id of its shape; else -1.
  int parent = -1;
  /// Bounds of the visible pixels: x0 <= x < x1. Those of a shape hold its piece.
  int x0 = 0;
  int y0 = 0;
  int x1 = 0;
  int y1 = 0;
  int visible_pixels = 0;
  /// Of the whole, beyond the picture's border and behind others too: 0..1.
  double visible_fraction = 0.0;
};

struct ShapesTruth {
  /// One value a pixel, row-major: 0 is the floor, k + 1 is instances[k]. A pixel of a piece is one of its shape, too.
  std::vector<uint16_t> labels;
  /// Without those of which nothing is visible.
  std::vector<ShapesInstance> instances;
};

/// Draws picture `index` of a deterministic scene into `rgb` (tight, width * height * 3 bytes): eight discs,
/// rectangles and triangles of different colours that glide over a gentle gradient and bounce off its edges; where the
/// camera moves, over a floor of tiles. A closed form of its arguments: any picture can be drawn by itself. `truth` may
/// be null.
void RenderShapes(int index, const ShapesOptions& options, uint8_t* rgb, ShapesTruth* truth);

}  // namespace fastsamd
