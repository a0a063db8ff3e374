#pragma once

#include "core/result.h"

namespace fastsamd {

/// How a frame lies in the network's input; see src/domain/geometry.ts.
struct Geometry {
  int frame_width = 0;
  int frame_height = 0;
  int input_width = 0;
  int input_height = 0;
  int content_width = 0;
  int content_height = 0;
  int left = 0;
  int top = 0;
};

/// r = min(W/w, H/h); content = round(size * r); padding centred, the odd pixel after the content.
/// Errors: kMisuse for sizes out of 1..kMaxSide or an input size that is no multiple of 32.
/// A side of the content is never below 1, however long and thin the frame.
Result<Geometry> MakeGeometry(int frame_width, int frame_height, int input_width, int input_height);

/// Checks a geometry that comes from outside: sizes as in MakeGeometry, content not empty and inside the input.
/// Errors: kMisuse.
Status Validate(const Geometry& geometry);

}  // namespace fastsamd
