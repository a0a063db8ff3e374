#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastsamd {

/// Rows of `dims` numbers each, one after the other; the caller keeps them.
struct Rows {
  const float* values = nullptr;
  size_t count = 0;
  size_t dims = 0;

  const float* Row(size_t index) const { return values + index * dims; }
};

/// At most `most` rows that cover all of them: the first one, then again and again the one that is farthest from those
/// chosen, the earliest of equal ones. k-center greedy, of PatchCore (Roth et al., CVPR 2022) without its random
/// projection. Ends early once every row has been chosen or equals one that was.
std::vector<uint32_t> GreedyCoreset(const Rows& rows, size_t most);

/// Euclidean distance of each row to the nearest of `memory`, which has as many numbers in a row and at least one row.
std::vector<float> NearestDistances(const Rows& rows, const Rows& memory);

}  // namespace fastsamd
