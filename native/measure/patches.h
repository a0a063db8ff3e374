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

/// One output of a network, [channels, height, width]; the caller keeps it.
struct FeatureMap {
  const float* values = nullptr;
  size_t channels = 0;
  size_t height = 0;
  size_t width = 0;
};

/// The features of the places `cells` (row · width + column of the first map): those of each map one after the other,
/// as the mean of 3 × 3 of the map's own cells (of those that there are at the border), coarser maps repeated. The
/// sides of the first map are whole multiples of the others'. With `mean` and `sd`, one number for each feature, as
/// (feature − mean) / sd. [cells, features].
std::vector<float> PatchRows(const std::vector<FeatureMap>& maps, const std::vector<uint32_t>& cells, const float* mean,
                             const float* sd);

/// At most `most` rows that cover all of them: the first one, then again and again the one that is farthest from those
/// chosen, the earliest of equal ones. k-center greedy, of PatchCore (Roth et al., CVPR 2022) without its random
/// projection. Ends early once every row has been chosen or equals one that was.
std::vector<uint32_t> GreedyCoreset(const Rows& rows, size_t most);

/// Euclidean distance of each row to the nearest of `memory`, which has as many numbers in a row and at least one row.
std::vector<float> NearestDistances(const Rows& rows, const Rows& memory);

struct FarRow {
  uint32_t row = 0;
  float distance = 0;
};

/// The `most` highest of NearestDistances, the highest first, without the others: a row is left where one of a few rows
/// of the memory is nearer than the lowest of the distances kept so far. These few are those that were the nearest to
/// other rows last, because neighbouring patches are alike.
std::vector<FarRow> HighestDistances(const Rows& rows, const Rows& memory, size_t most);

}  // namespace fastsamd
