#include "core/contour.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "dense_masks.h"

namespace fastsamd {
namespace {

using test::Runs;

/// A mask drawn with characters, '#' inside.
std::vector<bool> Mask(const std::vector<std::string>& lines) {
  std::vector<bool> mask;
  for (size_t x = 0; x < lines[0].size(); ++x) {
    for (const std::string& line : lines) mask.push_back(line[x] == '#');
  }
  return mask;
}

MultiPolygon Trace(const std::vector<bool>& mask, int width, int height, float tolerance) {
  const Runs runs = test::RunsOf(mask);
  auto polygons = TracePolygons(runs.data(), runs.size(), width, height, tolerance);
  EXPECT_TRUE(polygons.ok());
  return std::move(polygons).value();
}

/// Fills all rings by the even-odd rule: a pixel is inside when a ray from its centre to the left meets an odd number
/// of vertical sides.
std::vector<bool> FillEvenOdd(const MultiPolygon& p, int width, int height) {
  std::vector<bool> mask(static_cast<size_t>(width * height));
  for (size_t r = 0; r + 1 < p.rings.size(); ++r) {
    for (uint32_t i = p.rings[r]; i < p.rings[r + 1]; ++i) {
      const GridPoint& a = p.points[i];
      const GridPoint& b = p.points[i + 1 == p.rings[r + 1] ? p.rings[r] : i + 1];
      if (a[0] != b[0]) continue;
      for (int y = std::min(a[1], b[1]); y < std::max(a[1], b[1]); ++y) {
        for (int x = a[0]; x < width; ++x) {
          const size_t pixel = static_cast<size_t>(x * height + y);
          mask[pixel] = !mask[pixel];
        }
      }
    }
  }
  return mask;
}

int64_t TwiceArea(const MultiPolygon& p, size_t ring) {
  int64_t area = 0;
  for (uint32_t i = p.rings[ring]; i < p.rings[ring + 1]; ++i) {
    const GridPoint& a = p.points[i];
    const GridPoint& b = p.points[i + 1 == p.rings[ring + 1] ? p.rings[ring] : i + 1];
    area += static_cast<int64_t>(a[0]) * b[1] - static_cast<int64_t>(b[0]) * a[1];
  }
  return area;
}

std::vector<bool> RandomMask(int width, int height, std::mt19937& random) {
  std::vector<bool> mask(static_cast<size_t>(width * height));
  const unsigned density = 1 + random() % 9;
  for (size_t i = 0; i < mask.size(); ++i) mask[i] = random() % 10 < density;
  // Some larger structure, so that there are holes in islands in holes.
  for (int i = 0; i < 6; ++i) {
    const int x0 = static_cast<int>(random() % static_cast<unsigned>(width));
    const int y0 = static_cast<int>(random() % static_cast<unsigned>(height));
    const bool value = random() % 2 == 0;
    for (int x = x0; x < std::min(width, x0 + 8); ++x) {
      for (int y = y0; y < std::min(height, y0 + 8); ++y) mask[static_cast<size_t>(x * height + y)] = value;
    }
  }
  return mask;
}

/// Number of 4-connected components, by flooding.
int Components(std::vector<bool> mask, int width, int height) {
  int components = 0;
  std::vector<int> stack;
  for (int seed = 0; seed < width * height; ++seed) {
    if (!mask[static_cast<size_t>(seed)]) continue;
    ++components;
    stack.push_back(seed);
    while (!stack.empty()) {
      const int p = stack.back();
      stack.pop_back();
      if (!mask[static_cast<size_t>(p)]) continue;
      mask[static_cast<size_t>(p)] = false;
      if (p >= height) stack.push_back(p - height);
      if (p + height < width * height) stack.push_back(p + height);
      if (p % height > 0) stack.push_back(p - 1);
      if (p % height < height - 1) stack.push_back(p + 1);
    }
  }
  return components;
}

TEST(TracePolygons, OfNothingIsEmpty) {
  const MultiPolygon p = Trace(std::vector<bool>(12), 4, 3, 0);
  EXPECT_TRUE(p.points.empty());
  EXPECT_EQ(p.rings, std::vector<uint32_t>{0});
  EXPECT_EQ(p.polygons, std::vector<uint32_t>{0});
}

TEST(TracePolygons, OfARectangleIsFourCorners) {
  const MultiPolygon p = Trace(Mask({".....", ".###.", ".###.", "....."}), 5, 4, 0);
  EXPECT_EQ(p.points, (std::vector<GridPoint>{{4, 1}, {4, 3}, {1, 3}, {1, 1}}));
  EXPECT_EQ(p.rings, (std::vector<uint32_t>{0, 4}));
  EXPECT_EQ(p.polygons, (std::vector<uint32_t>{0, 1}));
}

TEST(TracePolygons, OfTheWholeFrameIsItsBorder) {
  const MultiPolygon p = Trace(std::vector<bool>(35, true), 7, 5, 0);
  EXPECT_EQ(p.points, (std::vector<GridPoint>{{7, 0}, {7, 5}, {0, 5}, {0, 0}}));
}

TEST(TracePolygons, PutsHolesBehindTheirOutline) {
  // A ring, an island in its hole, and another object.
  const MultiPolygon p =
      Trace(Mask({"#######..", "#.....#..", "#.###.#.#", "#.#.#.#.#", "#.###.#..", "#.....#..", "#######.."}), 9, 7, 0);
  EXPECT_EQ(p.polygons, (std::vector<uint32_t>{0, 2, 4, 5}));
  for (size_t ring = 0; ring < 5; ++ring) EXPECT_EQ(TwiceArea(p, ring) > 0, ring != 1 && ring != 3);
}

TEST(TracePolygons, KeepsDiagonalNeighboursApartAndHolesTogether) {
  EXPECT_EQ(Trace(Mask({"#.", ".#"}), 2, 2, 0).polygons.size(), 3u);
  EXPECT_EQ(Trace(Mask({".#", "#."}), 2, 2, 0).polygons.size(), 3u);
  // Two background pixels that touch at a corner are one hole.
  EXPECT_EQ(Trace(Mask({"####", "#.##", "##.#", "####"}), 4, 4, 0).rings.size(), 3u);
}

TEST(TracePolygons, IsExactOnRandomMasks) {
  std::mt19937 random(1);
  for (int round = 0; round < 400; ++round) {
    const int width = 1 + static_cast<int>(random() % 30);
    const int height = 1 + static_cast<int>(random() % 30);
    const std::vector<bool> mask = RandomMask(width, height, random);
    const MultiPolygon p = Trace(mask, width, height, 0);
    ASSERT_TRUE(FillEvenOdd(p, width, height) == mask);
    ASSERT_EQ(static_cast<int>(p.polygons.size()) - 1, Components(mask, width, height));
    for (size_t polygon = 0; polygon + 1 < p.polygons.size(); ++polygon) {
      for (uint32_t ring = p.polygons[polygon]; ring < p.polygons[polygon + 1]; ++ring) {
        ASSERT_EQ(TwiceArea(p, ring) > 0, ring == p.polygons[polygon]) << "outlines first, clockwise";
        const uint32_t count = p.rings[ring + 1] - p.rings[ring];
        ASSERT_GE(count, 4u);
        for (uint32_t i = 0; i < count; ++i) {
          // Corners only: horizontal and vertical sides take turns.
          const GridPoint& a = p.points[p.rings[ring] + i];
          const GridPoint& b = p.points[p.rings[ring] + (i + 1) % count];
          ASSERT_EQ(a[0] == b[0], i % 2 == 0);
          ASSERT_EQ(a[1] == b[1], i % 2 == 1);
        }
      }
    }
  }
}

double Distance(const GridPoint& p, const GridPoint& a, const GridPoint& b) {
  const double dx = b[0] - a[0];
  const double dy = b[1] - a[1];
  const double length = dx * dx + dy * dy;
  const double t = length == 0 ? 0 : std::clamp(((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length, 0.0, 1.0);
  return std::hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

TEST(TracePolygons, SimplifiesWithinTheTolerance) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    const int width = 2 + static_cast<int>(random() % 40);
    const int height = 2 + static_cast<int>(random() % 40);
    const std::vector<bool> mask = RandomMask(width, height, random);
    const float tolerance = 0.5F + static_cast<float>(random() % 5);
    const MultiPolygon exact = Trace(mask, width, height, 0);
    const MultiPolygon simple = Trace(mask, width, height, tolerance);
    ASSERT_EQ(simple.polygons, exact.polygons);
    ASSERT_LE(simple.points.size(), exact.points.size());
    for (size_t ring = 0; ring + 1 < exact.rings.size(); ++ring) {
      const uint32_t begin = simple.rings[ring];
      const uint32_t count = simple.rings[ring + 1] - begin;
      ASSERT_GE(count, 3u);
      for (uint32_t i = exact.rings[ring]; i < exact.rings[ring + 1]; ++i) {
        double nearest = std::numeric_limits<double>::infinity();
        for (uint32_t j = 0; j < count; ++j) {
          nearest = std::min(
              nearest, Distance(exact.points[i], simple.points[begin + j], simple.points[begin + (j + 1) % count]));
        }
        ASSERT_LE(nearest, tolerance + 1e-6);
      }
    }
  }
}

TEST(TracePolygons, TurnsADiscIntoFewPoints) {
  std::vector<bool> mask(200 * 200);
  for (int i = 0; i < 200 * 200; ++i) mask[static_cast<size_t>(i)] = std::hypot(i / 200 - 99.5, i % 200 - 99.5) < 90;
  EXPECT_GT(Trace(mask, 200, 200, 0).points.size(), 200u);
  EXPECT_LT(Trace(mask, 200, 200, 2).points.size(), 40u);
}

TEST(TracePolygons, RefusesRunsThatDoNotFit) {
  for (const Runs& runs : std::vector<Runs>{{{0, 13}}, {{3, 3}}, {{0, 2}, {2, 4}}, {{5, 6}, {0, 1}}}) {
    EXPECT_FALSE(TracePolygons(runs.data(), runs.size(), 4, 3, 0).ok());
  }
  EXPECT_FALSE(TracePolygons(nullptr, 0, 4, 3, -1.0F).ok());
  EXPECT_FALSE(TracePolygons(nullptr, 0, 4, 3, std::numeric_limits<float>::quiet_NaN()).ok());
  EXPECT_FALSE(TracePolygons(nullptr, 0, 0, 3, 0).ok());
}

}  // namespace
}  // namespace fastsamd
