#pragma once

#include <cstdint>
#include <vector>

namespace fastsamd {

/// Which pixels of two boundary maps correspond.
struct BoundaryMatch {
  /// [height × width] 1 where a pixel of the map has a partner in the other.
  std::vector<uint8_t> first;
  std::vector<uint8_t> second;
};

/// One-to-one correspondence of boundary pixels at most `max_distance` pixels apart, of minimum total cost: the
/// distance of each pair, and 100 * max_distance for each pixel without a partner (Martin, Fowlkes, Malik 2004; the
/// Berkeley benchmark's correspondPixels, whose random outlier links this solves exactly). Maps are [height, width]
/// row-major, 0 or
/// 1. Between matchings of equal cost `seed` decides, in the same way everywhere.
BoundaryMatch MatchBoundaries(const std::vector<uint8_t>& first, const std::vector<uint8_t>& second, int width,
                              int height, double max_distance, uint32_t seed);

/// What one threshold of a soft boundary map scores against several annotators.
struct BoundaryCounts {
  /// Annotated pixels that were found, and all, over the annotators.
  uint64_t recalled = 0;
  uint64_t annotated = 0;
  /// Detected pixels that at least one annotator drew, and all.
  uint64_t precise = 0;
  uint64_t detected = 0;
};

/// Counts of a soft map (grey levels, row-major) cut at level / 255 >= `threshold` and thinned, against drawn
/// boundaries.
BoundaryCounts CountBoundaries(const std::vector<uint8_t>& map, const std::vector<std::vector<uint8_t>>& truths,
                               int width, int height, double threshold, double max_distance);

}  // namespace fastsamd
