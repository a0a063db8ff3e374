#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "scenes/conveyor.h"

namespace fastsamd {

enum class SolidKind : uint8_t { kBox, kDisc, kHexagon };

/// A piece of a part in its own coordinates (pixels around the part's centre). Boxes have rounded corners of `radius`;
/// a hexagon's `radius` is that of its inscribed circle.
struct Solid {
  SolidKind kind = SolidKind::kDisc;
  float x = 0.0f;
  float y = 0.0f;
  float half_width = 0.0f;
  float half_height = 0.0f;
  float radius = 0.0f;
};

struct Hole {
  float x = 0.0f;
  float y = 0.0f;
  float radius = 0.0f;
};

/// How the surface of a part reflects light.
struct Finish {
  std::array<float, 3> color{};
  float specular = 0.0f;
  /// Amplitude of brushing marks; concentric ones on turned parts.
  float brushing = 0.0f;
  bool turned = false;
};

struct Part {
  int64_t id = 0;
  PartClass kind = PartClass::kWasher;
  PartDefect defect = PartDefect::kNone;
  /// Centre, in pixels of the picture.
  float x = 0.0f;
  float y = 0.0f;
  float cosine = 1.0f;
  float sine = 0.0f;
  /// Radius of a circle around the centre that holds the part.
  float reach = 0.0f;
  /// Distance from the edge over which the surface is rounded.
  float bevel = 0.0f;
  /// Pixels of shift for each squared pixel along the part: a bent part.
  float bend = 0.0f;
  std::array<Solid, 2> solids{};
  int solid_count = 0;
  std::array<Hole, 4> holes{};
  int hole_count = 0;
  /// Distance between thread ridges of a bolt, whose shaft begins at `thread_begin`; 0 without thread.
  float thread_pitch = 0.0f;
  float thread_begin = 0.0f;
  /// The ends of a scratch.
  std::array<float, 4> scratch{};
  Finish finish;
  uint32_t texture_seed = 0;
};

/// A part at the origin, of random shape, finish and defect. `unit` is the number of pixels that a size of 1 has.
Part MakePart(Random& random, float unit);

/// The product of ConveyorOptions::plates at the origin: a steel plate of 0.23 x 0.15 units with two bores of radius
/// 0.026, at a random angle, with a defect or without.
Part MakeProduct(Random& random, float unit);

/// Signed distances (pixels, negative inside) of `count` pixel centres of row `y` from the edge of the part, beginning
/// at column `x`. Holes are outside.
void PartDistances(const Part& part, int x, int y, int count, float* distances);

/// Pixels that the part covers when nothing hides it.
double PartArea(const Part& part);

}  // namespace fastsamd
