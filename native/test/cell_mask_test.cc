#include "core/cell_mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/random.h"

namespace fastsamd {
namespace {

/// Runs of the pixels for which `inside(x, y)` holds.
template <typename Inside>
std::vector<Run> RunsOf(int width, int height, Inside inside) {
  std::vector<Run> runs;
  for (int x = 0; x < width; ++x) {
    for (int y = 0; y < height; ++y) {
      if (!inside(x, y)) continue;
      const auto pixel = static_cast<uint32_t>(x * height + y);
      if (!runs.empty() && runs.back().end == pixel) {
        ++runs.back().end;
      } else {
        runs.push_back({pixel, pixel + 1});
      }
    }
  }
  return runs;
}

bool IsSet(const CellGrid& grid, const CellMask& mask, int column, int row) {
  if (column < mask.first || column >= mask.first + mask.columns) return false;
  return (mask.bits[static_cast<size_t>(column - mask.first) * static_cast<size_t>(grid.words) +
                    static_cast<size_t>(row / 64)] >>
              (row % 64) &
          1u) != 0;
}

CellMask Cells(const CellGrid& grid, const std::vector<Run>& runs, std::vector<uint64_t>& words) {
  CellMask mask = AppendCells(grid, runs.data(), runs.size(), words);
  mask.bits = words.data();
  return mask;
}

struct Size {
  int width;
  int height;
};
class CellMasks : public testing::TestWithParam<Size> {};

TEST_P(CellMasks, HoldTheCellsWhoseCentreIsOnTheMask) {
  const auto [width, height] = GetParam();
  const CellGrid grid = MakeCellGrid(width, height);
  Random random(3);
  for (int round = 0; round < 10; ++round) {
    const double cx = random.Between(0, width);
    const double cy = random.Between(0, height);
    const double radius = random.Between(1, std::max(width, height) * 0.7);
    const double hole = random.Between(0, radius);
    const auto inside = [&](int x, int y) {
      const double d = (x - cx) * (x - cx) + (y - cy) * (y - cy);
      return d < radius * radius && d > hole * hole;
    };
    std::vector<uint64_t> words;
    const CellMask mask = Cells(grid, RunsOf(width, height, inside), words);
    int count = 0;
    for (int column = 0; column < grid.columns; ++column) {
      for (int row = 0; row < grid.rows; ++row) {
        const bool expected = inside(grid.Centre(column, width), grid.Centre(row, height));
        count += expected ? 1 : 0;
        ASSERT_EQ(IsSet(grid, mask, column, row), expected) << column << "," << row;
      }
    }
    EXPECT_EQ(mask.count, count);
  }
}

TEST_P(CellMasks, MoveByWholeCells) {
  const auto [width, height] = GetParam();
  const CellGrid grid = MakeCellGrid(width, height);
  Random random(5);
  std::vector<uint64_t> words;
  const CellMask mask = Cells(
      grid, RunsOf(width, height, [&](int x, int y) { return x > width / 4 && y > height / 3 && (x + y) % 7 > 2; }),
      words);
  for (int round = 0; round < 30; ++round) {
    const int dx = random.Below(2 * grid.columns) - grid.columns;
    const int dy = random.Below(2 * grid.rows) - grid.rows;
    std::vector<uint64_t> moved_words;
    const CellMask moved = MoveCells(grid, mask, dx, dy, moved_words);
    int count = 0;
    for (int column = 0; column < grid.columns; ++column) {
      for (int row = 0; row < grid.rows; ++row) {
        const bool inside = column - dx >= 0 && column - dx < grid.columns && row - dy >= 0 && row - dy < grid.rows;
        const bool expected = inside && IsSet(grid, mask, column - dx, row - dy);
        count += expected ? 1 : 0;
        ASSERT_EQ(IsSet(grid, moved, column, row), expected);
      }
    }
    ASSERT_EQ(moved.count, count);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, CellMasks,
                         testing::Values(Size{320, 180}, Size{180, 320}, Size{1, 1}, Size{97, 31}, Size{400, 3}));

TEST(CellMask, IouCountsCells) {
  const CellGrid grid = MakeCellGrid(160, 90);
  std::vector<uint64_t> a_words;
  std::vector<uint64_t> b_words;
  const CellMask a = Cells(grid, RunsOf(160, 90, [](int x, int y) { return x < 20 && y < 10; }), a_words);
  const CellMask b = Cells(grid, RunsOf(160, 90, [](int x, int y) { return x >= 10 && x < 30 && y < 10; }), b_words);
  EXPECT_EQ(SharedCells(grid, a, b), 100);
  EXPECT_DOUBLE_EQ(CellIou(grid, a, b), 100.0 / 300.0);
  EXPECT_DOUBLE_EQ(CellIou(grid, CellMask{}, CellMask{}), 0.0);
}

}  // namespace
}  // namespace fastsamd
