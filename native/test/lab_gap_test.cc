#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/color.h"
#include "core/random.h"
#include "measure/gap.h"
#include "measure/lab.h"

namespace fastsamd {
namespace {

TEST(Lab, HasThePublishedColoursOfSrgb) {
  // Lindbloom's calculator, sRGB with D65.
  const Lab white = LabOf(255, 255, 255);
  EXPECT_NEAR(white.l, 100, 1e-3);
  EXPECT_NEAR(white.a, 0, 1e-2);
  EXPECT_NEAR(white.b, 0, 1e-2);
  const Lab red = LabOf(255, 0, 0);
  EXPECT_NEAR(red.l, 53.2408, 1e-3);
  EXPECT_NEAR(red.a, 80.0925, 1e-3);
  EXPECT_NEAR(red.b, 67.2032, 1e-3);
  const Lab blue = LabOf(0, 0, 255);
  EXPECT_NEAR(blue.l, 32.2970, 1e-3);
  EXPECT_NEAR(blue.a, 79.1875, 1e-3);
  EXPECT_NEAR(blue.b, -107.8602, 1e-3);
  EXPECT_EQ(LabOf(0, 0, 0).l, 0);
}

TEST(Lab, MeansOverTheErodedMaskEqualBruteForce) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    const int width = 4 + random.Below(30);
    const int height = 4 + random.Below(30);
    std::vector<uint8_t> rgb(static_cast<size_t>(3 * width * height));
    for (uint8_t& value : rgb) value = static_cast<uint8_t>(random.Below(256));
    std::vector<uint8_t> mask(static_cast<size_t>(width * height));
    for (int x = 0; x < width; ++x) {
      for (int y = 0; y < height; ++y)
        mask[static_cast<size_t>(x * height + y)] = random.Below(40) > 0 && x > round % 3;
    }
    std::vector<fastsamd::Run> runs;
    for (uint32_t k = 0; k < mask.size(); ++k) {
      if (mask[k] == 0) continue;
      if (!runs.empty() && runs.back().end == k) {
        runs.back().end = k + 1;
      } else {
        runs.push_back({k, k + 1});
      }
    }
    ImageView view;
    view.width = width;
    view.height = height;
    view.planes[0] = rgb.data();
    view.strides[0] = 3 * width;
    int erosion = random.Below(4);
    const Lab mean = MeanLab(view, runs.data(), runs.size(), erosion);
    double l = 0;
    double a = 0;
    double b = 0;
    double pixels = 0;
    for (const int e : {erosion, 0}) {
      for (int x = 0; x < width; ++x) {
        for (int y = 0; y < height; ++y) {
          bool inside = mask[static_cast<size_t>(x * height + y)] != 0;
          for (int dx = -e; dx <= e; ++dx) {
            for (int dy = -e; dy <= e; ++dy) {
              const int i = x + dx;
              const int j = y + dy;
              if (i < 0 || j < 0 || i >= width || j >= height) continue;
              inside = inside && mask[static_cast<size_t>(i * height + j)] != 0;
            }
          }
          if (!inside) continue;
          const uint8_t* at = rgb.data() + 3 * (y * width + x);
          const Lab lab = LabOf(at[0], at[1], at[2]);
          l += lab.l;
          a += lab.a;
          b += lab.b;
          pixels += 1;
        }
      }
      if (pixels > 0) break;
    }
    ASSERT_GT(pixels, 0);
    EXPECT_NEAR(mean.l, l / pixels, 0.01) << "round " << round;
    EXPECT_NEAR(mean.a, a / pixels, 0.01);
    EXPECT_NEAR(mean.b, b / pixels, 0.01);
  }
}

double BruteGap(const Contour& a, const Contour& b) {
  double least = 1e9;
  // Both lines, finely sampled.
  for (size_t i = 0; i < a.size(); ++i) {
    for (int s = 0; s < 20; ++s) {
      const Point& p = a[i];
      const Point& q = a[(i + 1) % a.size()];
      const Point at{p.x + (q.x - p.x) * s / 20, p.y + (q.y - p.y) * s / 20};
      for (size_t k = 0; k < b.size(); ++k) {
        for (int t = 0; t < 20; ++t) {
          const Point& c = b[k];
          const Point& d = b[(k + 1) % b.size()];
          least = std::min(least, std::hypot(at.x - c.x - (d.x - c.x) * t / 20, at.y - c.y - (d.y - c.y) * t / 20));
        }
      }
    }
  }
  return least;
}

TEST(Gap, EqualsBruteForce) {
  Random random(2);
  const auto ring = [&](double cx, double cy, double r) {
    Contour contour;
    const int points = 3 + random.Below(25);
    for (int k = 0; k < points; ++k) {
      const double radius = r * random.Between(0.7, 1.3);
      contour.push_back({cx + radius * std::cos(2 * M_PI * k / points), cy + radius * std::sin(2 * M_PI * k / points)});
    }
    return contour;
  };
  for (int round = 0; round < 60; ++round) {
    const Contour a = ring(20, 20, random.Between(2, 8));
    const Contour b = ring(random.Between(20, 60), random.Between(0, 40), random.Between(2, 8));
    const Gap gap = GapBetween(a, b);
    const double brute = BruteGap(a, b);
    EXPECT_LE(gap.distance, brute + 1e-9);
    EXPECT_GE(gap.distance, brute - 0.6) << "sampled a twentieth of a side apart";
    EXPECT_NEAR(std::hypot(gap.a.x - gap.b.x, gap.a.y - gap.b.y), gap.distance, 1e-9);
  }
}

TEST(Gap, IsZeroWhereLinesCross) {
  EXPECT_EQ(GapBetween({{0, 0}, {10, 0}, {10, 10}, {0, 10}}, {{5, 5}, {15, 5}, {15, 15}, {5, 15}}).distance, 0);
  EXPECT_EQ(GapBetween({{0, 0}, {1, 0}, {1, 1}}, {{4, 0}, {9, 9}, {9, -9}}).distance, 3);
}

}  // namespace
}  // namespace fastsamd
