#include "measure/patches.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

namespace fastsamd {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kSums = 4;
/// Numbers after which a sum that is too large already is given up.
constexpr size_t kBlock = 2 * kLanes * kSums;
/// Rows of a memory that cover it roughly: k-center greedy chose those first that are farthest from each other.
constexpr size_t kCover = 16;

using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

__attribute__((always_inline)) inline void AddSquares(const float* a, const float* b, Lanes* sum) {
  Lanes x;
  Lanes y;
  std::memcpy(&x, a, sizeof(x));
  std::memcpy(&y, b, sizeof(y));
  x -= y;
  *sum += x * x;
}

/// The sum of all lanes, in halves, because one lane after the other would wait for each sum. In one order, so that
/// every processor finds the same.
__attribute__((always_inline)) inline float SumOf(const Lanes& lanes) {
  using Half = float __attribute__((vector_size(kLanes / 2 * sizeof(float))));
  Half halves[2];
  std::memcpy(halves, &lanes, sizeof halves);
  const Half sums = halves[0] + halves[1];
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

__attribute__((always_inline)) inline float SquaredDistanceInLanes(const float* a, const float* b, size_t dims,
                                                                   float limit) {
  float total = 0;
  size_t k = 0;
  while (k + kLanes <= dims) {
    std::array<Lanes, kSums> sums{};
    const size_t end = std::min(dims / kLanes * kLanes, k + kBlock);
    for (; k + kSums * kLanes <= end; k += kSums * kLanes) {
      for (size_t j = 0; j < kSums; ++j) AddSquares(a + k + j * kLanes, b + k + j * kLanes, &sums[j]);
    }
    for (; k < end; k += kLanes) AddSquares(a + k, b + k, &sums[0]);
    total += SumOf((sums[0] + sums[1]) + (sums[2] + sums[3]));
    if (total >= limit) return total;
  }
  for (; k < dims; ++k) total += (a[k] - b[k]) * (a[k] - b[k]);
  return total;
}

float PlainSquaredDistance(const float* a, const float* b, size_t dims, float limit) {
  return SquaredDistanceInLanes(a, b, dims, limit);
}

using SquaredDistanceOf = float (*)(const float*, const float*, size_t, float);

#if defined(__x86_64__)
__attribute__((target("avx2"))) float WideSquaredDistance(const float* a, const float* b, size_t dims, float limit) {
  return SquaredDistanceInLanes(a, b, dims, limit);
}

const SquaredDistanceOf kSquaredDistance =
    __builtin_cpu_supports("avx2") != 0 ? WideSquaredDistance : PlainSquaredDistance;
#else
const SquaredDistanceOf kSquaredDistance = PlainSquaredDistance;
#endif

/// Squared distance; not less than `limit` where it would be more, as far as it was added up.
float SquaredDistance(const float* a, const float* b, size_t dims, float limit) {
  return kSquaredDistance(a, b, dims, limit);
}

/// The rows and columns that the mean of a cell is of.
struct Neighbours {
  size_t begin;
  size_t end;
};

Neighbours Around(size_t at, size_t count) { return {at == 0 ? 0 : at - 1, std::min(count, at + 2)}; }

/// Mean of 3 × 3 cells, of those that there are at the border. `columns`: for the sums of a row's columns.
void Smooth(const float* plane, size_t height, size_t width, std::vector<float>& columns, std::vector<float>& smooth) {
  columns.resize(width);
  smooth.resize(height * width);
  for (size_t y = 0; y < height; ++y) {
    const Neighbours down = Around(y, height);
    std::copy_n(plane + down.begin * width, width, columns.begin());
    for (size_t v = down.begin + 1; v < down.end; ++v) {
      for (size_t x = 0; x < width; ++x) columns[x] += plane[v * width + x];
    }
    const auto height_of = static_cast<float>(down.end - down.begin);
    float* out = smooth.data() + y * width;
    for (size_t x = 1; x + 1 < width; ++x) out[x] = (columns[x - 1] + columns[x] + columns[x + 1]) / (3 * height_of);
    for (const size_t x : {size_t{0}, width - 1}) {
      const Neighbours along = Around(x, width);
      float sum = 0;
      for (size_t u = along.begin; u < along.end; ++u) sum += columns[u];
      out[x] = sum / (static_cast<float>(along.end - along.begin) * height_of);
    }
  }
}

/// Rows that are searched side by side: each row of the memory, which is larger than the caches, is read once for all.
constexpr size_t kTogether = 8;

/// Lowers squared distances to the nearest row of the memory: of the `count` rows `chosen`, as many as `best` has.
void Lower(const Rows& rows, const uint32_t* chosen, size_t count, const Rows& memory, float* best) {
  for (size_t m = 0; m < memory.count; ++m) {
    for (size_t k = 0; k < count; ++k) {
      best[k] = std::min(best[k], SquaredDistance(rows.Row(chosen[k]), memory.Row(m), rows.dims, best[k]));
    }
  }
}

/// Squared distance of each row to the nearest of the memory.
std::vector<float> NearestSquares(const Rows& rows, const Rows& memory) {
  std::vector<float> squares(rows.count, std::numeric_limits<float>::infinity());
  for (size_t k = 0; k < rows.count; k += kTogether) {
    uint32_t chosen[kTogether];
    const size_t count = std::min(kTogether, rows.count - k);
    std::iota(chosen, chosen + count, static_cast<uint32_t>(k));
    Lower(rows, chosen, count, memory, squares.data() + k);
  }
  return squares;
}

/// The rows that are farthest from the memory, of those that were searched.
class FarthestRows {
 public:
  FarthestRows(const Rows& rows, const Rows& memory, size_t most) : rows_(rows), memory_(memory), most_(most) {
    found_.reserve(most + 1);
    order_.resize(memory.count);
    std::iota(order_.begin(), order_.end(), 0);
  }

  void Search(uint32_t row) {
    const float enough = found_.size() < most_ ? -1 : found_.front().distance;
    float best = std::numeric_limits<float>::infinity();
    size_t place = 0;
    for (size_t m = 0; m < order_.size() && best > enough; ++m) {
      const float distance = SquaredDistance(rows_.Row(row), memory_.Row(order_[m]), rows_.dims, best);
      if (distance < best) {
        best = distance;
        place = m;
      }
    }
    std::rotate(order_.begin(), order_.begin() + static_cast<ptrdiff_t>(place),
                order_.begin() + static_cast<ptrdiff_t>(place) + 1);
    if (best > enough) Add(row, best);
  }

  /// A row whose squared distance to the nearest is known.
  void Add(uint32_t row, float square) {
    if (found_.size() == most_ && square <= found_.front().distance) return;
    found_.push_back({row, square});
    std::push_heap(found_.begin(), found_.end(), IsFarther);
    if (found_.size() <= most_) return;
    std::pop_heap(found_.begin(), found_.end(), IsFarther);
    found_.pop_back();
  }

  /// Ends the search.
  std::vector<FarRow> Sorted() {
    std::sort(found_.begin(), found_.end(), IsFarther);
    for (FarRow& each : found_) each.distance = std::sqrt(each.distance);
    return std::move(found_);
  }

 private:
  static bool IsFarther(const FarRow& a, const FarRow& b) {
    return a.distance != b.distance ? a.distance > b.distance : a.row < b.row;
  }

  const Rows rows_;
  const Rows memory_;
  const size_t most_;
  /// A heap of squared distances, the lowest at its front.
  std::vector<FarRow> found_;
  /// Of the memory: what ended a search goes to the front.
  std::vector<uint32_t> order_;
};

}  // namespace

std::vector<float> PatchRows(const std::vector<FeatureMap>& maps, const std::vector<uint32_t>& cells, const float* mean,
                             const float* sd) {
  size_t dims = 0;
  for (const FeatureMap& map : maps) dims += map.channels;
  std::vector<float> rows(cells.size() * dims);
  std::vector<float> columns;
  std::vector<float> smooth;
  size_t feature = 0;
  for (const FeatureMap& map : maps) {
    const size_t step = maps[0].width / map.width;
    std::vector<uint32_t> from(cells.size());
    for (size_t k = 0; k < cells.size(); ++k) {
      const size_t row = cells[k] / maps[0].width / step;
      const size_t column = cells[k] % maps[0].width / step;
      from[k] = static_cast<uint32_t>(row * map.width + column);
    }
    for (size_t c = 0; c < map.channels; ++c, ++feature) {
      const float* plane = map.values + c * map.height * map.width;
      Smooth(plane, map.height, map.width, columns, smooth);
      const float middle = mean == nullptr ? 0 : mean[feature];
      const float by = sd == nullptr ? 1 : 1 / sd[feature];
      for (size_t k = 0; k < cells.size(); ++k) rows[k * dims + feature] = (smooth[from[k]] - middle) * by;
    }
  }
  return rows;
}

std::vector<uint32_t> GreedyCoreset(const Rows& rows, size_t most) {
  std::vector<uint32_t> chosen;
  if (rows.count == 0 || most == 0) return chosen;
  std::vector<float> nearest(rows.count, std::numeric_limits<float>::infinity());
  size_t next = 0;
  while (true) {
    chosen.push_back(static_cast<uint32_t>(next));
    if (chosen.size() == std::min(most, rows.count)) return chosen;
    const float* centre = rows.Row(next);
    float farthest = 0;
    size_t at = 0;
    for (size_t k = 0; k < rows.count; ++k) {
      nearest[k] = std::min(nearest[k], SquaredDistance(rows.Row(k), centre, rows.dims, nearest[k]));
      if (nearest[k] > farthest) {
        farthest = nearest[k];
        at = k;
      }
    }
    if (farthest <= 0) return chosen;
    next = at;
  }
}

std::vector<float> NearestDistances(const Rows& rows, const Rows& memory) {
  std::vector<float> distances = NearestSquares(rows, memory);
  for (float& distance : distances) distance = std::sqrt(distance);
  return distances;
}

std::vector<FarRow> HighestDistances(const Rows& rows, const Rows& memory, size_t most) {
  FarthestRows found(rows, memory, std::min(most, rows.count));
  if (most == 0 || rows.count == 0) return found.Sorted();
  // Rows that are far from a few rows of the memory, which cover it, are likely to be among the farthest. They go
  // first, so that the others can be left early.
  const Rows cover = {memory.values, std::min(memory.count, kCover), memory.dims};
  std::vector<float> bounds = NearestSquares(rows, cover);
  std::vector<uint32_t> first(rows.count);
  std::iota(first.begin(), first.end(), 0);
  const size_t ahead = std::min(rows.count, 2 * most);
  std::partial_sort(first.begin(), first.begin() + static_cast<ptrdiff_t>(ahead), first.end(),
                    [&](uint32_t a, uint32_t b) { return bounds[a] != bounds[b] ? bounds[a] > bounds[b] : a < b; });
  std::vector<bool> is_done(rows.count);
  for (size_t k = 0; k < ahead; k += kTogether) {
    const size_t count = std::min(kTogether, ahead - k);
    float best[kTogether];
    for (size_t n = 0; n < count; ++n) best[n] = bounds[first[k + n]];
    Lower(rows, first.data() + k, count, memory, best);
    for (size_t n = 0; n < count; ++n) {
      found.Add(first[k + n], best[n]);
      is_done[first[k + n]] = true;
    }
  }
  for (size_t k = 0; k < rows.count; ++k) {
    if (!is_done[k]) found.Search(static_cast<uint32_t>(k));
  }
  return found.Sorted();
}

}  // namespace fastsamd
