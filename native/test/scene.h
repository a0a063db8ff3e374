#pragma once

#include <cstdint>
#include <vector>

#include "core/decode.h"

namespace fastsamd::test {

/// A network's output made by hand, with storage.
struct Scene {
  Geometry geometry;
  int classes = 1;
  int anchors = 0;
  std::vector<float> detections;
  std::vector<float> proto;

  RawOutputs outputs() const { return {detections.data(), anchors, classes, proto.data()}; }
  /// Element `row` (0-3 box, then classes, then coefficients) of an anchor.
  float& At(int row, int anchor) {
    return detections[static_cast<size_t>(row) * static_cast<size_t>(anchors) + static_cast<size_t>(anchor)];
  }
};

/// A scene of zeros with the shapes that the geometry asks for.
Scene EmptyScene(const Geometry& geometry, int classes);

/// `objects` blobs: wobbly ellipses with a score each, a mean area of `coverage` of the content, anywhere in it. The
/// first proto channels are 1, x, y, x^2 and y^2, so that any ellipse is a linear combination of them; the others are
/// smooth random fields that dent it.
Scene BlobScene(const Geometry& geometry, int objects, double coverage, uint32_t seed);

/// Random logits everywhere: the worst case for anything that follows a sign.
Scene NoiseScene(const Geometry& geometry, int classes, int objects, uint32_t seed);

}  // namespace fastsamd::test
