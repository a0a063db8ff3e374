#include "measure/patches.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace fastsamd {
namespace {

constexpr size_t kLanes = 8;
/// Numbers after which a sum that is too large already is given up.
constexpr size_t kBlock = 64;

/// Squared distance; not less than `limit` where it would be more, as far as it was added up.
float SquaredDistance(const float* a, const float* b, size_t dims, float limit) {
  float sum = 0;
  size_t k = 0;
  while (k + kLanes <= dims) {
    std::array<float, kLanes> sums{};
    const size_t end = std::min(dims / kLanes * kLanes, k + kBlock);
    for (; k < end; k += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const float difference = a[k + lane] - b[k + lane];
        sums[lane] += difference * difference;
      }
    }
    for (const float each : sums) sum += each;
    if (sum >= limit) return sum;
  }
  for (; k < dims; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sum;
}

}  // namespace

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

}  // namespace fastsamd
