#include "core/matching.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

namespace fastsamd {
namespace {

int Find(std::vector<int>& root, int node) {
  while (root[static_cast<size_t>(node)] != node) {
    root[static_cast<size_t>(node)] = root[static_cast<size_t>(root[static_cast<size_t>(node)])];
    node = root[static_cast<size_t>(node)];
  }
  return node;
}

}  // namespace

void Matcher::Match(int rows, int columns, const std::vector<WeightedEdge>& edges, std::vector<int>& column_of_row) {
  column_of_row.assign(static_cast<size_t>(rows), -1);
  root_.resize(static_cast<size_t>(rows) + static_cast<size_t>(columns));
  std::iota(root_.begin(), root_.end(), 0);
  for (const WeightedEdge& edge : edges) {
    const int a = Find(root_, edge.row);
    const int b = Find(root_, rows + edge.column);
    if (a != b) root_[static_cast<size_t>(std::max(a, b))] = std::min(a, b);
  }
  sorted_ = edges;
  // By component, named by its lowest row.
  for (int node = 0; node < rows; ++node) root_[static_cast<size_t>(node)] = Find(root_, node);
  std::stable_sort(sorted_.begin(), sorted_.end(), [&](const WeightedEdge& a, const WeightedEdge& b) {
    return std::tie(root_[static_cast<size_t>(a.row)], a.row, a.column) <
           std::tie(root_[static_cast<size_t>(b.row)], b.row, b.column);
  });
  for (size_t begin = 0; begin < sorted_.size();) {
    size_t end = begin + 1;
    const int root = root_[static_cast<size_t>(sorted_[begin].row)];
    while (end < sorted_.size() && root_[static_cast<size_t>(sorted_[end].row)] == root) ++end;
    if (end == begin + 1) {
      column_of_row[static_cast<size_t>(sorted_[begin].row)] = sorted_[begin].column;
    } else {
      component_.assign(sorted_.begin() + static_cast<ptrdiff_t>(begin), sorted_.begin() + static_cast<ptrdiff_t>(end));
      SolveComponent(component_, column_of_row);
    }
    begin = end;
  }
}

/// Shortest augmenting paths (Jonker and Volgenant 1987, as in Crouse 2016) over the dense matrix of one component. A
/// pair without an edge is worth 0, which is as good as leaving both alone.
void Matcher::SolveComponent(const std::vector<WeightedEdge>& edges, std::vector<int>& column_of_row) {
  rows_.clear();
  columns_.clear();
  for (const WeightedEdge& edge : edges) {
    rows_.push_back(edge.row);
    columns_.push_back(edge.column);
  }
  for (std::vector<int>* side : {&rows_, &columns_}) {
    std::sort(side->begin(), side->end());
    side->erase(std::unique(side->begin(), side->end()), side->end());
  }
  // The shorter side augments: every one of it then finds a partner.
  const bool transposed = rows_.size() > columns_.size();
  const std::vector<int>& short_side = transposed ? columns_ : rows_;
  const std::vector<int>& long_side = transposed ? rows_ : columns_;
  const size_t n = short_side.size();
  const size_t m = long_side.size();
  const auto position = [](const std::vector<int>& side, int value) {
    return static_cast<size_t>(std::lower_bound(side.begin(), side.end(), value) - side.begin());
  };
  cost_.assign(n * m, 0);
  for (const WeightedEdge& edge : edges) {
    const size_t i = position(short_side, transposed ? edge.column : edge.row);
    const size_t j = position(long_side, transposed ? edge.row : edge.column);
    cost_[i * m + j] = -edge.weight;
  }
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  row_price_.assign(n, 0);
  column_price_.assign(m, 0);
  owner_.assign(m, -1);
  held_.assign(n, m);
  came_from_.resize(m);
  for (size_t start = 0; start < n; ++start) {
    distance_.assign(m, kFar);
    visited_.assign(m, 0);
    size_t row = start;
    int64_t reached = 0;
    size_t end = m;
    while (end == m) {
      size_t nearest = m;
      int64_t lowest = kFar;
      for (size_t j = 0; j < m; ++j) {
        if (visited_[j]) continue;
        const int64_t through = reached + cost_[row * m + j] - row_price_[row] - column_price_[j];
        if (through < distance_[j]) {
          distance_[j] = through;
          came_from_[j] = static_cast<int>(row);
        }
        // Of equals a free column ends the search; else the lowest index.
        if (distance_[j] < lowest || (distance_[j] == lowest && owner_[j] < 0 && owner_[nearest] >= 0)) {
          lowest = distance_[j];
          nearest = j;
        }
      }
      reached = lowest;
      visited_[nearest] = 1;
      if (owner_[nearest] < 0) {
        end = nearest;
      } else {
        row = static_cast<size_t>(owner_[nearest]);
      }
    }
    row_price_[start] += reached;
    for (size_t j = 0; j < m; ++j) {
      if (!visited_[j] || j == end) continue;
      row_price_[static_cast<size_t>(owner_[j])] += reached - distance_[j];
      column_price_[j] += distance_[j] - reached;
    }
    for (size_t j = end; j != m;) {
      const auto from = static_cast<size_t>(came_from_[j]);
      owner_[j] = came_from_[j];
      // The column that this row held before needs another row; the first row held none.
      j = std::exchange(held_[from], j);
    }
  }
  for (size_t j = 0; j < m; ++j) {
    if (owner_[j] < 0) continue;
    const size_t i = static_cast<size_t>(owner_[j]);
    if (cost_[i * m + j] == 0) continue;
    const int row = transposed ? long_side[j] : short_side[i];
    column_of_row[static_cast<size_t>(row)] = transposed ? short_side[i] : long_side[j];
  }
}

}  // namespace fastsamd
