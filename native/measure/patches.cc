#include "measure/patches.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

namespace fastsamd {
namespace {

/// Lanes are added up in one order, so that every processor finds the same sum.
constexpr size_t kLanes = 8;
constexpr size_t kSums = 4;
/// Numbers after which a sum that is too large already is given up.
constexpr size_t kBlock = 2 * kLanes * kSums;

using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

__attribute__((always_inline)) inline void AddSquares(const float* a, const float* b, Lanes* sum) {
  Lanes x;
  Lanes y;
  std::memcpy(&x, a, sizeof(x));
  std::memcpy(&y, b, sizeof(y));
  x -= y;
  *sum += x * x;
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
    const Lanes all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (size_t lane = 0; lane < kLanes; ++lane) total += all[lane];
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

}  // namespace

std::vector<float> PatchRows(const std::vector<FeatureMap>& maps, const std::vector<uint32_t>& cells, const float* mean,
                             const float* sd) {
  size_t dims = 0;
  for (const FeatureMap& map : maps) dims += map.channels;
  std::vector<float> rows(cells.size() * dims);
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
    smooth.resize(map.height * map.width);
    for (size_t c = 0; c < map.channels; ++c, ++feature) {
      const float* plane = map.values + c * map.height * map.width;
      for (size_t y = 0; y < map.height; ++y) {
        const Neighbours down = Around(y, map.height);
        for (size_t x = 0; x < map.width; ++x) {
          const Neighbours along = Around(x, map.width);
          float sum = 0;
          for (size_t v = down.begin; v < down.end; ++v) {
            for (size_t u = along.begin; u < along.end; ++u) sum += plane[v * map.width + u];
          }
          smooth[y * map.width + x] = sum / static_cast<float>((down.end - down.begin) * (along.end - along.begin));
        }
      }
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
  std::vector<float> distances(rows.count);
  size_t guess = 0;
  for (size_t k = 0; k < rows.count; ++k) {
    // Neighbouring patches are alike: what was nearest to the last one is a good bound for the others.
    float best = SquaredDistance(rows.Row(k), memory.Row(guess), rows.dims, std::numeric_limits<float>::infinity());
    for (size_t m = 0; m < memory.count; ++m) {
      const float distance = SquaredDistance(rows.Row(k), memory.Row(m), rows.dims, best);
      if (distance < best) {
        best = distance;
        guess = m;
      }
    }
    distances[k] = std::sqrt(best);
  }
  return distances;
}

std::vector<FarRow> HighestDistances(const Rows& rows, const Rows& memory, size_t most) {
  const size_t kept = std::min(most, rows.count);
  std::vector<FarRow> heap;
  heap.reserve(kept + 1);
  if (kept == 0) return heap;
  const auto is_farther = [](const FarRow& a, const FarRow& b) {
    return a.distance != b.distance ? a.distance > b.distance : a.row < b.row;
  };
  std::vector<uint32_t> order(memory.count);
  std::iota(order.begin(), order.end(), 0);
  for (size_t k = 0; k < rows.count; ++k) {
    const float enough = heap.size() < kept ? -1 : heap.front().distance;
    float best = std::numeric_limits<float>::infinity();
    size_t place = 0;
    for (size_t m = 0; m < order.size() && best > enough; ++m) {
      const float distance = SquaredDistance(rows.Row(k), memory.Row(order[m]), rows.dims, best);
      if (distance < best) {
        best = distance;
        place = m;
      }
    }
    std::rotate(order.begin(), order.begin() + static_cast<ptrdiff_t>(place),
                order.begin() + static_cast<ptrdiff_t>(place) + 1);
    if (best <= enough) continue;
    heap.push_back({static_cast<uint32_t>(k), best});
    std::push_heap(heap.begin(), heap.end(), is_farther);
    if (heap.size() <= kept) continue;
    std::pop_heap(heap.begin(), heap.end(), is_farther);
    heap.pop_back();
  }
  std::sort(heap.begin(), heap.end(), is_farther);
  for (FarRow& each : heap) each.distance = std::sqrt(each.distance);
  return heap;
}

}  // namespace fastsamd
