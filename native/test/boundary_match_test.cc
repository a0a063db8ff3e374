#include "eval/boundary_match.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "eval/thin.h"

namespace fastsamd {
namespace {

constexpr int kWidth = 9;
constexpr int kHeight = 6;

struct Total {
  double cost;
  int pairs;
};

/// The least cost by trying everything: the first pixel takes each free partner in turn, or none.
Total Cheapest(const std::vector<int>& left, const std::vector<int>& right, double max_distance, size_t at,
               uint32_t used) {
  if (at == left.size()) {
    const int free = static_cast<int>(right.size()) - __builtin_popcount(used);
    return {free * 100 * max_distance, 0};
  }
  Total best = Cheapest(left, right, max_distance, at + 1, used);
  best.cost += 100 * max_distance;
  for (size_t j = 0; j < right.size(); ++j) {
    if ((used >> j & 1) != 0) continue;
    const double distance = std::hypot(left[at] % kWidth - right[j] % kWidth, left[at] / kWidth - right[j] / kWidth);
    if (distance > max_distance) continue;
    Total rest = Cheapest(left, right, max_distance, at + 1, used | 1u << j);
    rest.cost += distance;
    rest.pairs += 1;
    if (rest.cost < best.cost) best = rest;
  }
  return best;
}

TEST(MatchBoundaries, PairsAsManyAsTheCheapestMatchingDoes) {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint8_t> first(kWidth * kHeight);
    std::vector<uint8_t> second(kWidth * kHeight);
    std::vector<int> left;
    std::vector<int> right;
    for (int i = 0; i < kWidth * kHeight; ++i) {
      if (random() % 9 == 0 && left.size() < 7) {
        first[i] = 1;
        left.push_back(i);
      }
      if (random() % 9 == 0 && right.size() < 7) {
        second[i] = 1;
        right.push_back(i);
      }
    }
    const double max_distance = 1 + random() % 3;
    const Total expected = Cheapest(left, right, max_distance, 0, 0);
    for (uint32_t seed = 0; seed < 3; ++seed) {
      const BoundaryMatch match = MatchBoundaries(first, second, kWidth, kHeight, max_distance, seed);
      int matched = 0;
      int partners = 0;
      for (size_t i = 0; i < first.size(); ++i) {
        EXPECT_LE(match.first[i], first[i]);
        EXPECT_LE(match.second[i], second[i]);
        matched += match.first[i];
        partners += match.second[i];
      }
      EXPECT_EQ(matched, partners);
      EXPECT_EQ(matched, expected.pairs) << "round " << round;
    }
  }
}

/// A chain in which every pixel has two partners at equal cost, and dense blocks: many augmentations over ties.
TEST(MatchBoundaries, EndsOnManyTies) {
  const int side = 120;
  std::vector<uint8_t> first(side * side);
  std::vector<uint8_t> second(side * side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      first[y * side + x] = (x + y) % 2 == 0 ? 1 : 0;
      second[y * side + x] = (x + y) % 2 == 1 && x % 3 != 0 ? 1 : 0;
    }
  }
  const BoundaryMatch match = MatchBoundaries(first, second, side, side, 2.5, 7);
  int matched = 0;
  int right = 0;
  for (size_t i = 0; i < second.size(); ++i) {
    matched += match.second[i];
    right += second[i];
  }
  EXPECT_EQ(matched, right) << "the right side is the smaller one, and every pixel of it has a partner";
}

std::vector<uint8_t> Parse(const std::vector<std::string>& rows) {
  std::vector<uint8_t> pixels;
  for (const std::string& row : rows) {
    for (const char c : row) pixels.push_back(c == '#' ? 1 : 0);
  }
  return pixels;
}

TEST(Thin, LeavesALineOfABar) {
  std::vector<uint8_t> bar = Parse({"..........", ".########.", ".########.", ".########.", ".........."});
  Thin(bar, 10, 5);
  EXPECT_EQ(bar, Parse({"..........", "..........", "..######..", "..........", ".........."}));
}

TEST(Thin, KeepsLinesAndHolesAsTheyAre) {
  const std::vector<uint8_t> ring = Parse({"#####", "#...#", "#...#", "#####"});
  std::vector<uint8_t> thinned = ring;
  Thin(thinned, 5, 4);
  EXPECT_EQ(thinned[0] + thinned[4] + thinned[15] + thinned[19], 0) << "corners go";
  EXPECT_EQ(thinned[2], 1);
  EXPECT_EQ(thinned[5], 1);
  std::vector<uint8_t> again = thinned;
  Thin(again, 5, 4);
  EXPECT_EQ(again, thinned);
}

}  // namespace
}  // namespace fastsamd
