#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastsamd {

/// A pair that may be matched, and what it is worth; above 0.
struct WeightedEdge {
  int row;
  int column;
  int64_t weight;
};

/// The matching of most total weight in a sparse bipartite graph. Rows and columns may stay alone. Weights are integers
/// and everything goes by index, so that every machine settles ties alike. Keeps its memory from call to call.
class Matcher {
 public:
  /// Writes the column of each row to `column_of_row` (`rows` elements, -1: alone). Of several edges between the same
  /// two, the last counts.
  void Match(int rows, int columns, const std::vector<WeightedEdge>& edges, std::vector<int>& column_of_row);

 private:
  void SolveComponent(const std::vector<WeightedEdge>& edges, std::vector<int>& column_of_row);

  /// Union-find over rows, then columns.
  std::vector<int> root_;
  std::vector<WeightedEdge> sorted_;
  std::vector<WeightedEdge> component_;
  std::vector<int> rows_;
  std::vector<int> columns_;
  std::vector<int64_t> cost_;
  std::vector<int64_t> row_price_;
  std::vector<int64_t> column_price_;
  std::vector<int64_t> distance_;
  std::vector<int> owner_;
  std::vector<size_t> held_;
  std::vector<int> came_from_;
  std::vector<uint8_t> visited_;
};

}  // namespace fastsamd
