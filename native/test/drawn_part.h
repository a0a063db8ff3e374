#pragma once

#include <cstdint>
#include <vector>

#include "core/image.h"
#include "core/random.h"
#include "core/segments.h"

namespace fastsamd {

/// A part of known size, drawn: an exact shape, blurred, on a ground that brightens to one side, with noise, in 8 bit.
struct DrawnPart {
  enum class Shape : uint8_t { kDisc, kRectangle } shape = Shape::kDisc;
  /// Of a disc its radius; of a rectangle its sides and angle.
  double radius = 0;
  double length = 0;
  double width = 0;
  double degrees = 0;
  double x = 0;
  double y = 0;
  /// Grey levels.
  double contrast = 90;
  double noise = 3;
  /// Standard deviation of the blur, pixels.
  double blur = 1;
  /// Grey levels from one side of the picture to the other.
  double gradient = 0;

  /// Signed distance of a point, negative inside.
  double DistanceAt(double px, double py) const;
};

struct DrawnPicture {
  int side;
  std::vector<uint8_t> rgb;
  /// A mask as a network might give it: moved by up to a pixel, grown or shrunk by up to one, with a wobble.
  std::vector<Run> mask;

  ImageView View() const;
};

DrawnPicture DrawPart(const DrawnPart& part, int side, Random& random);

}  // namespace fastsamd
