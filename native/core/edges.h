#pragma once

#include <cstdint>
#include <vector>

#include "core/decode.h"

namespace fastsamd {

struct EdgeOptions {
  /// Keep an edge only on its object's outer boundary, as SAM's evaluation does (Kirillov 2023, appendix D.2); without
  /// it every gradient of the probability counts.
  bool boundary_only = true;
  /// Weight the edges of an object by its score.
  bool by_score = true;
};

/// Soft boundaries of everything in a frame: the Sobel gradient of each object's mask probability inside its box, the
/// strongest object winning at each pixel, stretched to 0..255. [frame height, frame width] row-major; all 0 without
/// objects. Costs the area of the boxes. Errors: as Decode.
Result<std::vector<uint8_t>> EdgeMap(const RawOutputs& outputs, const Geometry& geometry, const DecodeOptions& options,
                                     const EdgeOptions& edges);

/// Leaves the crests of a soft boundary map: a pixel stays where it is the highest across its edge, whose direction
/// comes from the second derivatives of the smoothed map (edgesNms of Dollar and Zitnick 2015: radius 1, factor 1.01, a
/// ramp of 5 pixels at the border of the frame).
std::vector<uint8_t> EdgeCrests(const std::vector<uint8_t>& map, int width, int height);

}  // namespace fastsamd
