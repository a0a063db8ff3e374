#include "core/matching.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/random.h"

namespace fastsamd {
namespace {

int64_t WeightOf(const std::vector<WeightedEdge>& edges, const std::vector<int>& column_of_row) {
  int64_t total = 0;
  for (const WeightedEdge& edge : edges) {
    if (column_of_row[static_cast<size_t>(edge.row)] == edge.column) total += edge.weight;
  }
  return total;
}

/// The best matching by trying every one.
int64_t BestWeight(int rows, const std::vector<WeightedEdge>& edges, int row, uint32_t used) {
  if (row == rows) return 0;
  int64_t best = BestWeight(rows, edges, row + 1, used);
  for (const WeightedEdge& edge : edges) {
    if (edge.row != row || (used >> edge.column & 1u) != 0) continue;
    best = std::max(best, edge.weight + BestWeight(rows, edges, row + 1, used | 1u << edge.column));
  }
  return best;
}

TEST(Matching, FindsTheBestOfEveryMatching) {
  Random random(7);
  Matcher matcher;
  for (int round = 0; round < 500; ++round) {
    const int rows = 1 + random.Below(6);
    const int columns = 1 + random.Below(6);
    std::vector<WeightedEdge> edges;
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        if (random.Next() < 0.5) edges.push_back({row, column, 1 + random.Below(20)});
      }
    }
    std::vector<int> match;
    matcher.Match(rows, columns, edges, match);
    ASSERT_EQ(match.size(), static_cast<size_t>(rows));
    std::vector<int> taken;
    for (const int column : match) {
      if (column >= 0) taken.push_back(column);
    }
    std::sort(taken.begin(), taken.end());
    ASSERT_EQ(std::unique(taken.begin(), taken.end()), taken.end()) << "round " << round;
    ASSERT_EQ(WeightOf(edges, match), BestWeight(rows, edges, 0, 0)) << "round " << round;
  }
}

TEST(Matching, PrefersTwoGoodPairsToOneBetter) {
  std::vector<int> match;
  Matcher().Match(2, 2, {{0, 0, 10}, {0, 1, 9}, {1, 0, 9}}, match);
  EXPECT_EQ(match, (std::vector<int>{1, 0}));
}

TEST(Matching, LeavesTheRestAlone) {
  std::vector<int> match;
  Matcher matcher;
  matcher.Match(3, 1, {{0, 0, 1}, {2, 0, 5}}, match);
  EXPECT_EQ(match, (std::vector<int>{-1, -1, 0}));
  matcher.Match(2, 2, {}, match);
  EXPECT_EQ(match, (std::vector<int>{-1, -1}));
}

TEST(Matching, DoesNotDependOnTheOrderOfTheEdges) {
  Random random(11);
  std::vector<WeightedEdge> edges;
  for (int row = 0; row < 12; ++row) {
    for (int column = 0; column < 12; ++column) edges.push_back({row, column, 1 + random.Below(3)});
  }
  std::vector<int> expected;
  Matcher().Match(12, 12, edges, expected);
  for (int round = 0; round < 20; ++round) {
    for (size_t i = edges.size(); i > 1; --i)
      std::swap(edges[i - 1], edges[static_cast<size_t>(random.Below(static_cast<int>(i)))]);
    std::vector<int> match;
    Matcher().Match(12, 12, edges, match);
    ASSERT_EQ(match, expected);
  }
}

}  // namespace
}  // namespace fastsamd
