#include "scenes/shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

namespace fastsamd {
namespace {

std::vector<uint8_t> Render(int index, int width, int height, uint32_t seed) {
  std::vector<uint8_t> rgb(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  RenderShapes(index, {width, height, seed}, rgb.data(), nullptr);
  return rgb;
}

size_t PixelsThatDiffer(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  size_t different = 0;
  for (size_t i = 0; i < a.size(); i += 3) {
    if (a[i] != b[i] || a[i + 1] != b[i + 1] || a[i + 2] != b[i + 2]) ++different;
  }
  return different;
}

TEST(RenderShapes, DependsOnIndexAndSeedOnly) {
  EXPECT_EQ(Render(5, 320, 180, 1), Render(5, 320, 180, 1));
  EXPECT_NE(Render(5, 320, 180, 1), Render(6, 320, 180, 1));
  EXPECT_NE(Render(5, 320, 180, 1), Render(5, 320, 180, 2));
}

TEST(RenderShapes, MovesSmoothly) {
  for (int index = 0; index < 300; index += 7) {
    const size_t moved = PixelsThatDiffer(Render(index, 320, 180, 3), Render(index + 1, 320, 180, 3));
    EXPECT_GT(moved, 0u);
    EXPECT_LT(moved, 320u * 180u / 20u);
  }
}

TEST(RenderShapes, ShowsShapesOfDifferentColours) {
  // The gradient stays dark, the shapes have at least one bright channel.
  std::set<int> bright;
  for (int index = 0; index < 200; index += 20) {
    const std::vector<uint8_t> rgb = Render(index, 320, 180, 4);
    for (size_t i = 0; i < rgb.size(); i += 3) {
      if (std::max({rgb[i], rgb[i + 1], rgb[i + 2]}) > 140) bright.insert(rgb[i] << 16 | rgb[i + 1] << 8 | rgb[i + 2]);
    }
  }
  EXPECT_EQ(bright.size(), 8u);
}

TEST(RenderShapes, TakesAnySizeAndIndex) {
  for (const int index : {0, -1, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    for (const auto& [width, height] : {std::pair{1, 1}, std::pair{1, 200}, std::pair{333, 2}, std::pair{17, 19}}) {
      EXPECT_EQ(Render(index, width, height, 0), Render(index, width, height, 0));
    }
  }
}

}  // namespace
}  // namespace fastsamd
