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
/// Channels of a map that are made into rows together.
constexpr size_t kChannels = 16;
constexpr size_t kSums = 4;
/// Numbers after which a sum that is too large already is given up.
constexpr size_t kBlock = 2 * kLanes * kSums;
/// Rows of a memory, evenly spread over it, that say roughly how far from the memory a row is.
constexpr size_t kCover = 4;

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
  const Half first = {lanes[0], lanes[1], lanes[2], lanes[3]};
  const Half second = {lanes[4], lanes[5], lanes[6], lanes[7]};
  const Half sums = first + second;
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

/// Squared distances of each of `kRows` rows to each of `kOthers` others, reading each row once. A distance does not
/// depend on kRows and kOthers: its terms are always added in the same order.
template <size_t kRows, size_t kOthers>
__attribute__((always_inline)) inline void SquaresInLanes(const float* const* rows, const float* const* others,
                                                          size_t dims, float* squares) {
  Lanes sums[kRows][kOthers];
  for (auto& row : sums) {
    for (Lanes& sum : row) sum = Lanes{};
  }
  size_t k = 0;
  for (; k + kLanes <= dims; k += kLanes) {
    for (size_t row = 0; row < kRows; ++row) {
      for (size_t other = 0; other < kOthers; ++other) AddSquares(rows[row] + k, others[other] + k, &sums[row][other]);
    }
  }
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t other = 0; other < kOthers; ++other) squares[row * kOthers + other] = SumOf(sums[row][other]);
  }
  for (; k < dims; ++k) {
    for (size_t row = 0; row < kRows; ++row) {
      for (size_t other = 0; other < kOthers; ++other) {
        const float difference = rows[row][k] - others[other][k];
        squares[row * kOthers + other] += difference * difference;
      }
    }
  }
}

/// Several rows by a few of the memory, and one row by many: as many sums as there are registers for.
constexpr size_t kBlockRows = 4;
constexpr size_t kBlockOthers = 2;
constexpr size_t kProbes = 8;

void PlainBlock(const float* const* rows, const float* const* others, size_t dims, float* squares) {
  SquaresInLanes<kBlockRows, kBlockOthers>(rows, others, dims, squares);
}
void PlainProbes(const float* const* rows, const float* const* others, size_t dims, float* squares) {
  SquaresInLanes<1, kProbes>(rows, others, dims, squares);
}

using SquaresOf = void (*)(const float* const*, const float* const*, size_t, float*);

#if defined(__x86_64__)
__attribute__((target("avx2"))) void WideBlock(const float* const* rows, const float* const* others, size_t dims,
                                               float* squares) {
  SquaresInLanes<kBlockRows, kBlockOthers>(rows, others, dims, squares);
}
__attribute__((target("avx2"))) void WideProbes(const float* const* rows, const float* const* others, size_t dims,
                                                float* squares) {
  SquaresInLanes<1, kProbes>(rows, others, dims, squares);
}

const SquaresOf kBlockSquares = __builtin_cpu_supports("avx2") != 0 ? WideBlock : PlainBlock;
const SquaresOf kProbeSquares = __builtin_cpu_supports("avx2") != 0 ? WideProbes : PlainProbes;
#else
const SquaresOf kBlockSquares = PlainBlock;
const SquaresOf kProbeSquares = PlainProbes;
#endif

/// The rows and columns that the mean of a cell is of.
struct Neighbours {
  size_t begin;
  size_t end;
};

Neighbours Around(size_t at, size_t count) { return {at == 0 ? 0 : at - 1, std::min(count, at + 2)}; }

/// Mean of 3 × 3 cells, of those that there are at the border. `columns`: for the sums of a row's columns.
void Smooth(const float* plane, size_t height, size_t width, std::vector<float>& columns, float* smooth) {
  columns.resize(width);
  for (size_t y = 0; y < height; ++y) {
    const Neighbours down = Around(y, height);
    std::copy_n(plane + down.begin * width, width, columns.begin());
    for (size_t v = down.begin + 1; v < down.end; ++v) {
      for (size_t x = 0; x < width; ++x) columns[x] += plane[v * width + x];
    }
    const auto height_of = static_cast<float>(down.end - down.begin);
    float* out = smooth + y * width;
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
constexpr size_t kTogether = 4 * kBlockRows;

/// A row of the memory, and the squared distance to it.
struct Nearest {
  uint32_t row = 0;
  float square = std::numeric_limits<float>::infinity();
};

/// The nearest row of the memory, the first of equal ones, to each of the `count` rows `chosen`.
void FindNearest(const Rows& rows, const uint32_t* chosen, size_t count, const Rows& memory, Nearest* nearest) {
  for (size_t m = 0; m < memory.count; m += kBlockOthers) {
    // Blocks that are not full have their last rows more than once.
    const float* others[kBlockOthers];
    for (size_t n = 0; n < kBlockOthers; ++n) others[n] = memory.Row(std::min(m + n, memory.count - 1));
    for (size_t k = 0; k < count; k += kBlockRows) {
      const float* block[kBlockRows];
      for (size_t n = 0; n < kBlockRows; ++n) block[n] = rows.Row(chosen[std::min(k + n, count - 1)]);
      float squares[kBlockRows * kBlockOthers];
      kBlockSquares(block, others, rows.dims, squares);
      for (size_t n = 0; n < std::min(kBlockRows, count - k); ++n) {
        for (size_t other = 0; other < kBlockOthers; ++other) {
          const float square = squares[n * kBlockOthers + other];
          if (square < nearest[k + n].square) nearest[k + n] = {static_cast<uint32_t>(m + other), square};
        }
      }
    }
  }
}

/// Squared distance of each row to the nearest of the memory.
std::vector<float> NearestSquares(const Rows& rows, const Rows& memory) {
  std::vector<float> squares(rows.count);
  for (size_t k = 0; k < rows.count; k += kTogether) {
    uint32_t chosen[kTogether];
    Nearest nearest[kTogether];
    const size_t count = std::min(kTogether, rows.count - k);
    std::iota(chosen, chosen + count, static_cast<uint32_t>(k));
    FindNearest(rows, chosen, count, memory, nearest);
    for (size_t n = 0; n < count; ++n) squares[k + n] = nearest[n].square;
  }
  return squares;
}

/// The rows that are farthest from the memory, of those that were searched.
class FarthestRows {
 public:
  FarthestRows(const Rows& rows, const Rows& memory, size_t most) : rows_(rows), memory_(memory), most_(most) {
    found_.reserve(most + 1);
    open_.reserve(kOpen);
    order_.resize(memory.count);
    std::iota(order_.begin(), order_.end(), 0);
  }

  /// Leaves a row that is near to one of the first of the memory; others are searched together.
  void Search(uint32_t row) {
    const float* rows[] = {rows_.Row(row)};
    const size_t tried = found_.size() < most_ ? 0 : std::min(kTried, order_.size());
    for (size_t m = 0; m < tried; m += kProbes) {
      const float* others[kProbes];
      for (size_t n = 0; n < kProbes; ++n) others[n] = memory_.Row(order_[std::min(m + n, order_.size() - 1)]);
      float squares[kProbes];
      kProbeSquares(rows, others, rows_.dims, squares);
      const auto nearest = static_cast<size_t>(std::min_element(squares, squares + kProbes) - squares);
      // Not so for what is no number, either.
      if (!(squares[nearest] <= found_.front().distance)) continue;
      Prefer(std::min(m + nearest, order_.size() - 1));
      return;
    }
    open_.push_back(row);
    if (open_.size() == kOpen) Flush();
  }

  /// Searches what is still open.
  void Flush() {
    Nearest nearest[kOpen];
    FindNearest(rows_, open_.data(), open_.size(), memory_, nearest);
    for (size_t k = 0; k < open_.size(); ++k) {
      Prefer(static_cast<size_t>(std::find(order_.begin(), order_.end(), nearest[k].row) - order_.begin()));
      Add(open_[k], nearest[k].square);
    }
    open_.clear();
  }

  /// Ends the search.
  std::vector<FarRow> Sorted() {
    std::sort(found_.begin(), found_.end(), IsFarther);
    for (FarRow& each : found_) each.distance = std::sqrt(each.distance);
    return std::move(found_);
  }

 private:
  /// Rows of the memory that a row is compared with before it is searched for good.
  static constexpr size_t kTried = 4 * kProbes;
  /// Rows that are searched for good together: few, because what is found for one lets others be left.
  static constexpr size_t kOpen = kBlockRows;

  /// Lets the memory's row at this place of the order be tried first.
  void Prefer(size_t place) {
    const auto at = order_.begin() + static_cast<ptrdiff_t>(place);
    std::rotate(order_.begin(), at, at + 1);
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

  static bool IsFarther(const FarRow& a, const FarRow& b) {
    return a.distance != b.distance ? a.distance > b.distance : a.row < b.row;
  }

  const Rows rows_;
  const Rows memory_;
  const size_t most_;
  /// A heap of squared distances, the lowest at its front.
  std::vector<FarRow> found_;
  /// Of the memory: what ended a search goes to the front, because neighbouring patches are alike.
  std::vector<uint32_t> order_;
  /// Rows that are still to be searched, kOpen at most.
  std::vector<uint32_t> open_;
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
    // Several channels at once: their numbers lie side by side in a row.
    const size_t plane = map.height * map.width;
    smooth.resize(kChannels * plane);
    for (size_t first = 0; first < map.channels; first += kChannels) {
      const size_t channels = std::min(kChannels, map.channels - first);
      float middle[kChannels] = {};
      float by[kChannels];
      std::fill_n(by, kChannels, 1.0F);
      for (size_t c = 0; c < channels; ++c) {
        Smooth(map.values + (first + c) * plane, map.height, map.width, columns, smooth.data() + c * plane);
        if (mean != nullptr) middle[c] = mean[feature + first + c];
        if (sd != nullptr) by[c] = 1 / sd[feature + first + c];
      }
      for (size_t k = 0; k < cells.size(); ++k) {
        float* row = rows.data() + k * dims + feature + first;
        for (size_t c = 0; c < channels; ++c) row[c] = (smooth[c * plane + from[k]] - middle[c]) * by[c];
      }
    }
    feature += map.channels;
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
  // Rows that are far from a few rows of the memory are likely to be among the farthest. They go first, so that the
  // others can be left early.
  std::vector<float> few;
  const size_t cover = std::min(memory.count, kCover);
  for (size_t k = 0; k < cover; ++k) {
    const float* row = memory.Row(k * memory.count / cover);
    few.insert(few.end(), row, row + memory.dims);
  }
  const std::vector<float> bounds = NearestSquares(rows, {few.data(), cover, memory.dims});
  std::vector<uint32_t> order(rows.count);
  std::iota(order.begin(), order.end(), 0);
  const size_t ahead = std::min(rows.count, 2 * most);
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(ahead), order.end(),
                    [&](uint32_t a, uint32_t b) { return bounds[a] != bounds[b] ? bounds[a] > bounds[b] : a < b; });
  // The others as they lie in the picture.
  std::sort(order.begin() + static_cast<ptrdiff_t>(ahead), order.end());
  for (const uint32_t row : order) found.Search(row);
  found.Flush();
  return found.Sorted();
}

}  // namespace fastsamd
