#include "eval/boundary_match.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <utility>

#include "eval/thin.h"

namespace fastsamd {
namespace {

constexpr int kNone = -1;
/// Cost of a pixel without a partner, in multiples of the largest distance.
constexpr int64_t kOutlierFactor = 100;
/// Costs are whole millionths of a pixel: sums of them are exact, so ties are ties on every machine.
constexpr double kCostsPerPixel = 1e6;

using Cost = int64_t;
constexpr Cost kFar = std::numeric_limits<Cost>::max() / 4;

struct Edge {
  int to;
  Cost cost;
};

/// Minimum-cost assignment of left nodes, each to a right node it has an edge to or to nothing at a fixed cost:
/// successive shortest augmenting paths with potentials (Jonker and Volgenant 1987) on a sparse graph.
class SparseAssignment {
 public:
  SparseAssignment(const std::vector<std::vector<Edge>>& edges, size_t right, Cost nothing)
      : edges_(edges),
        nothing_(nothing),
        left_potential_(edges.size(), 0),
        right_potential_(right, 0),
        partner_of_left_(edges.size(), kNone),
        partner_of_right_(right, kNone),
        distance_(right, kFar),
        from_(right, kNone) {}

  /// The right node of each left node, kNone for nothing.
  const std::vector<int>& Solve() {
    std::vector<int> open;
    // A node whose nearest partner is free takes it: most pixels lie on each other.
    for (size_t i = 0; i < edges_.size(); ++i) {
      const auto nearest = std::min_element(edges_[i].begin(), edges_[i].end(),
                                            [](const Edge& a, const Edge& b) { return a.cost < b.cost; });
      if (nearest == edges_[i].end()) continue;
      left_potential_[i] = nearest->cost;
      if (partner_of_right_[nearest->to] == kNone) {
        Pair(static_cast<int>(i), nearest->to);
      } else {
        open.push_back(static_cast<int>(i));
      }
    }
    for (const int i : open) Augment(i);
    return partner_of_left_;
  }

 private:
  void Pair(int left, int right) {
    partner_of_left_[left] = right;
    partner_of_right_[right] = left;
  }

  /// Dijkstra over reduced costs from `root` to the nearest free right node, or to the left node for which nothing is
  /// cheapest; then the path is turned over.
  void Augment(int root) {
    using Item = std::pair<Cost, int>;
    std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
    touched_.clear();
    std::vector<std::pair<int, Cost>>& tree = tree_;  // left nodes reached, with their distances
    tree.clear();
    Cost best_end = kFar;
    int end_left = kNone;
    int end_right = kNone;
    const auto reach = [&](int left, Cost base) {
      tree.push_back({left, base});
      const Cost give_up = base + nothing_ - left_potential_[left];
      if (give_up < best_end) {
        best_end = give_up;
        end_left = left;
      }
      for (const Edge& edge : edges_[left]) {
        if (partner_of_left_[left] == edge.to) continue;
        const Cost reduced = base + edge.cost - left_potential_[left] - right_potential_[edge.to];
        if (reduced >= distance_[edge.to] || reduced >= best_end) continue;
        if (from_[edge.to] == kNone) touched_.push_back(edge.to);
        distance_[edge.to] = reduced;
        from_[edge.to] = left;
        queue.push({reduced, edge.to});
      }
    };
    reach(root, 0);
    std::vector<int>& settled = settled_;
    settled.clear();
    while (!queue.empty()) {
      const auto [distance, right] = queue.top();
      if (distance >= best_end) break;
      queue.pop();
      if (distance > distance_[right]) continue;
      if (partner_of_right_[right] == kNone) {
        best_end = distance;
        end_right = right;
        break;
      }
      settled.push_back(right);
      reach(partner_of_right_[right], distance);
    }
    for (const auto& [left, distance] : tree) {
      if (distance < best_end) left_potential_[left] += best_end - distance;
    }
    for (const int right : settled) right_potential_[right] -= best_end - distance_[right];
    // From the end back to the root, each left node takes the right node it was reached from.
    int right = end_right;
    if (right == kNone) {
      right = partner_of_left_[end_left];
      partner_of_left_[end_left] = kNone;
    }
    while (right != kNone) {
      const int left = from_[right];
      const int next = partner_of_left_[left];
      Pair(left, right);
      right = left == root ? kNone : next;
    }
    for (const int node : touched_) {
      distance_[node] = kFar;
      from_[node] = kNone;
    }
  }

  const std::vector<std::vector<Edge>>& edges_;
  const Cost nothing_;
  std::vector<Cost> left_potential_;
  std::vector<Cost> right_potential_;
  std::vector<int> partner_of_left_;
  std::vector<int> partner_of_right_;
  std::vector<Cost> distance_;
  std::vector<int> from_;
  std::vector<int> touched_;
  std::vector<int> settled_;
  std::vector<std::pair<int, Cost>> tree_;
};

/// A fixed permutation for each seed (Fisher and Yates, with the numbers of SplitMix64): several matchings can cost the
/// same, and always preferring the pixels further up would leave out the same ones for every annotator.
void Shuffle(std::vector<size_t>& pixels, std::vector<std::vector<Edge>>& edges, uint32_t seed) {
  uint64_t state = seed;
  for (size_t i = pixels.size(); i > 1; --i) {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    const size_t j = static_cast<size_t>((z ^ (z >> 31)) % i);
    std::swap(pixels[i - 1], pixels[j]);
    std::swap(edges[i - 1], edges[j]);
  }
}

}  // namespace

BoundaryMatch MatchBoundaries(const std::vector<uint8_t>& first, const std::vector<uint8_t>& second, int width,
                              int height, double max_distance, uint32_t seed) {
  std::vector<int> right_index(second.size(), kNone);
  std::vector<size_t> right_pixels;
  for (size_t i = 0; i < second.size(); ++i) {
    if (second[i] == 0) continue;
    right_index[i] = static_cast<int>(right_pixels.size());
    right_pixels.push_back(i);
  }
  struct Offset {
    int dx;
    int dy;
    Cost cost;
  };
  std::vector<Offset> offsets;
  const int reach = static_cast<int>(max_distance);
  for (int dy = -reach; dy <= reach; ++dy) {
    for (int dx = -reach; dx <= reach; ++dx) {
      const double distance = std::sqrt(static_cast<double>(dx * dx + dy * dy));
      if (distance <= max_distance) offsets.push_back({dx, dy, std::llround(distance * kCostsPerPixel)});
    }
  }
  std::vector<size_t> left_pixels;
  std::vector<std::vector<Edge>> edges;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const size_t at = static_cast<size_t>(y) * width + x;
      if (first[at] == 0) continue;
      std::vector<Edge> own;
      for (const Offset& offset : offsets) {
        const int nx = x + offset.dx;
        const int ny = y + offset.dy;
        if (nx < 0 || ny < 0 || nx >= width || ny >= height) continue;
        const int right = right_index[static_cast<size_t>(ny) * width + nx];
        if (right != kNone) own.push_back({right, offset.cost});
      }
      if (own.empty()) continue;
      left_pixels.push_back(at);
      edges.push_back(std::move(own));
    }
  }
  Shuffle(left_pixels, edges, seed);
  // A pair spares two outliers.
  SparseAssignment assignment(edges, right_pixels.size(),
                              2 * kOutlierFactor * std::llround(max_distance * kCostsPerPixel));
  const std::vector<int>& partners = assignment.Solve();
  BoundaryMatch match{std::vector<uint8_t>(first.size()), std::vector<uint8_t>(second.size())};
  for (size_t i = 0; i < partners.size(); ++i) {
    if (partners[i] == kNone) continue;
    match.first[left_pixels[i]] = 1;
    match.second[right_pixels[partners[i]]] = 1;
  }
  return match;
}

BoundaryCounts CountBoundaries(const std::vector<uint8_t>& map, const std::vector<std::vector<uint8_t>>& truths,
                               int width, int height, double threshold, double max_distance) {
  std::vector<uint8_t> detected(map.size());
  std::transform(map.begin(), map.end(), detected.begin(),
                 [threshold](uint8_t level) { return static_cast<uint8_t>(level / 255. >= threshold ? 1 : 0); });
  Thin(detected, width, height);
  BoundaryCounts counts;
  std::vector<uint8_t> precise(map.size());
  uint32_t annotator = 0;
  for (const std::vector<uint8_t>& truth : truths) {
    const BoundaryMatch match = MatchBoundaries(detected, truth, width, height, max_distance, annotator++);
    for (size_t i = 0; i < map.size(); ++i) {
      precise[i] |= match.first[i];
      counts.recalled += match.second[i];
      counts.annotated += truth[i] != 0 ? 1 : 0;
    }
  }
  for (size_t i = 0; i < map.size(); ++i) {
    counts.precise += precise[i];
    counts.detected += detected[i];
  }
  return counts;
}

}  // namespace fastsamd
