#include "measure/measure.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/random.h"
#include "measure/fit.h"
#include "measure/hull.h"
#include "measure/moments.h"
#include "measure/outline.h"

namespace fastsamd {
namespace {

using MaskRun = fastsamd::Run;  // ::testing::Test has a Run of its own

constexpr double kPi = 3.14159265358979323846;

/// A picture of bits, row by row.
struct Bits {
  int width;
  int height;
  std::vector<uint8_t> at;

  Bits(int w, int h) : width(w), height(h), at(static_cast<size_t>(w * h)) {}
  uint8_t& operator()(int x, int y) { return at[static_cast<size_t>(y * width + x)]; }
  bool Get(int x, int y) const {
    return x >= 0 && y >= 0 && x < width && y < height && at[static_cast<size_t>(y * width + x)] != 0;
  }
};

std::vector<MaskRun> RunsOf(const Bits& bits) {
  std::vector<MaskRun> runs;
  for (int x = 0; x < bits.width; ++x) {
    for (int y = 0; y < bits.height; ++y) {
      if (!bits.Get(x, y)) continue;
      const auto pixel = static_cast<uint32_t>(x * bits.height + y);
      if (!runs.empty() && runs.back().end == pixel) {
        runs.back().end = pixel + 1;
      } else {
        runs.push_back({pixel, pixel + 1});
      }
    }
  }
  return runs;
}

/// A few ellipses, some of them cut out: parts, holes, touching corners and borders all occur.
Bits RandomMask(Random& random) {
  Bits bits(5 + random.Below(60), 5 + random.Below(60));
  for (int blob = 1 + random.Below(5); blob > 0; --blob) {
    const double cx = random.Between(0, bits.width);
    const double cy = random.Between(0, bits.height);
    const double rx = random.Between(0.5, 20);
    const double ry = random.Between(0.5, 20);
    const bool cut = random.Below(3) == 0;
    for (int y = 0; y < bits.height; ++y) {
      for (int x = 0; x < bits.width; ++x) {
        const double dx = (x + 0.5 - cx) / rx;
        const double dy = (y + 0.5 - cy) / ry;
        if (dx * dx + dy * dy < 1) bits(x, y) = cut ? 0 : 1;
      }
    }
  }
  for (int speck = random.Below(8); speck > 0; --speck) bits(random.Below(bits.width), random.Below(bits.height)) ^= 1;
  return bits;
}

MaskShape Measured(const Bits& bits, double min_hole_area = 1) {
  const std::vector<MaskRun> runs = RunsOf(bits);
  Result<MaskShape> shape = MeasureMask(runs.data(), runs.size(), bits.width, bits.height, min_hole_area);
  EXPECT_TRUE(shape.ok());
  return std::move(shape).value();
}

Bits Disc(double radius, double x, double y) {
  const int side = static_cast<int>(2 * radius) + 8;
  Bits bits(side, side);
  for (int j = 0; j < side; ++j) {
    for (int i = 0; i < side; ++i) bits(i, j) = std::hypot(i + 0.5 - x, j + 0.5 - y) < radius;
  }
  return bits;
}

TEST(Moments, EqualTheSumOverPixels) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    const Bits bits = RandomMask(random);
    const std::vector<MaskRun> runs = RunsOf(bits);
    const Moments moments = MomentsOf(runs.data(), runs.size(), bits.height);
    double area = 0;
    double x = 0;
    double y = 0;
    for (int j = 0; j < bits.height; ++j) {
      for (int i = 0; i < bits.width; ++i) {
        if (!bits.Get(i, j)) continue;
        area += 1;
        x += i + 0.5;
        y += j + 0.5;
      }
    }
    ASSERT_EQ(static_cast<double>(moments.area), area);
    if (area == 0) {
      EXPECT_TRUE(std::isnan(moments.x));
      continue;
    }
    // Sums of halves are exact, and so is their quotient as rounded.
    EXPECT_EQ(moments.x, x / area);
    EXPECT_EQ(moments.y, y / area);
    double xx = area / 12;
    double xy = 0;
    double yy = area / 12;
    for (int j = 0; j < bits.height; ++j) {
      for (int i = 0; i < bits.width; ++i) {
        if (!bits.Get(i, j)) continue;
        xx += (i + 0.5 - moments.x) * (i + 0.5 - moments.x);
        xy += (i + 0.5 - moments.x) * (j + 0.5 - moments.y);
        yy += (j + 0.5 - moments.y) * (j + 0.5 - moments.y);
      }
    }
    EXPECT_NEAR(moments.xx, xx / area, 1e-12 * (1 + xx / area));
    EXPECT_NEAR(moments.xy, xy / area, 1e-12 * (1 + xx / area));
    EXPECT_NEAR(moments.yy, yy / area, 1e-12 * (1 + yy / area));
  }
}

TEST(Moments, DoNotOverflowOnTheLargestPicture) {
  // The whole of 32768 x 32768, as one run that crosses every column.
  const MaskRun whole{0, 32768u * 32768u};
  const Moments moments = MomentsOf(&whole, 1, 32768);
  EXPECT_EQ(moments.area, 32768ull * 32768ull);
  EXPECT_EQ(moments.x, 16384);
  EXPECT_DOUBLE_EQ(moments.xx, 32768.0 * 32768.0 / 12);
  EXPECT_EQ(moments.xy, 0);
}

TEST(Ellipse, HasTheAxesOfARotatedRectangle) {
  Bits bits(80, 40);
  for (int y = 10; y < 30; ++y) {
    for (int x = 5; x < 65; ++x) bits(x, y) = 1;
  }
  const Measures m = Measured(bits).measures;
  EXPECT_NEAR(m[Measure::kMajor], 4 * 60 / std::sqrt(12), 1e-9);
  EXPECT_NEAR(m[Measure::kMinor], 4 * 20 / std::sqrt(12), 1e-9);
  EXPECT_EQ(m[Measure::kEllipseAngle], 0);
}

TEST(HalfTurn, KeepsTheUpperEnd) {
  for (const auto& [given, expected] : std::vector<std::pair<double, double>>{
           {0, 0}, {90, 90}, {-90, 90}, {91, -89}, {180, 0}, {-180, 0}, {270, 90}, {-45, -45}, {135, -45}}) {
    EXPECT_EQ(HalfTurn(given), expected) << given;
  }
}

/// The calipers of a hull with these points inside, by looking at every point from every side.
struct BruteCalipers {
  double feret_max = 0;
  double feret_min = std::numeric_limits<double>::infinity();
  double rectangle_area = std::numeric_limits<double>::infinity();
  /// The least distance of a point from a side, inwards.
  double least_inside = std::numeric_limits<double>::infinity();

  BruteCalipers(const Contour& points, const Contour& hull) {
    for (const Point& a : points) {
      for (const Point& b : hull) feret_max = std::max(feret_max, std::hypot(a.x - b.x, a.y - b.y));
    }
    for (size_t k = 0; k < hull.size(); ++k) {
      const Point& a = hull[k];
      const Point& b = hull[(k + 1) % hull.size()];
      const double side = std::hypot(b.x - a.x, b.y - a.y);
      double low = 1e9, high = -1e9, top = -1e9;
      for (const Point& p : points) {
        const double across = ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)) / side;
        const double along = ((b.x - a.x) * (p.x - a.x) + (b.y - a.y) * (p.y - a.y)) / side;
        least_inside = std::min(least_inside, across);
        low = std::min(low, along);
        high = std::max(high, along);
        top = std::max(top, across);
      }
      feret_min = std::min(feret_min, top);
      rectangle_area = std::min(rectangle_area, top * (high - low));
    }
  }
};

TEST(Hull, HoldsEveryCornerAndCalipersEqualBruteForce) {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    const Bits bits = RandomMask(random);
    const std::vector<MaskRun> runs = RunsOf(bits);
    if (runs.empty()) continue;
    const Contour hull = HullOfRuns(runs.data(), runs.size(), bits.height);
    Contour corners;
    for (int y = 0; y < bits.height; ++y) {
      for (int x = 0; x < bits.width; ++x) {
        if (!bits.Get(x, y)) continue;
        for (int k = 0; k < 4; ++k)
          corners.push_back({x + static_cast<double>(k & 1), y + static_cast<double>(k >> 1)});
      }
    }
    double hull_area = 0;
    for (size_t k = 0; k < hull.size(); ++k) {
      const Point& a = hull[k];
      const Point& b = hull[(k + 1) % hull.size()];
      hull_area += (a.x * b.y - b.x * a.y) / 2;
    }
    const BruteCalipers brute(corners, hull);
    EXPECT_GE(brute.least_inside, -1e-9) << "a corner outside of the hull";
    const auto [rectangle, feret] = CalipersOf(hull);
    EXPECT_NEAR(feret.max, brute.feret_max, 1e-9);
    EXPECT_NEAR(feret.min, brute.feret_min, 1e-9);
    EXPECT_NEAR(rectangle.length * rectangle.width, brute.rectangle_area, 1e-7);
    const Measures m = Measured(bits).measures;
    EXPECT_NEAR(m[Measure::kConvexity], m[Measure::kAreaFilled] / hull_area, 1e-12);
    EXPECT_LE(m[Measure::kConvexity], 1 + 1e-12);
    // Every corner is inside the rectangle that was found.
    const double c = std::cos(rectangle.angle * kPi / 180);
    const double s = std::sin(rectangle.angle * kPi / 180);
    for (const Point& p : corners) {
      const double x = p.x - rectangle.center.x;
      const double y = p.y - rectangle.center.y;
      EXPECT_LE(std::abs(c * x + s * y), rectangle.length / 2 + 1e-9);
      EXPECT_LE(std::abs(c * y - s * x), rectangle.width / 2 + 1e-9);
    }
  }
}

TEST(Hull, OfPointsAndItsCalipersEqualBruteForce) {
  Random random(29);
  for (int round = 0; round < 200; ++round) {
    // Around ellipses, thin ones too, evenly or in clumps; some have a dent, some are on a grid with repeated points.
    const int count = 3 + static_cast<int>(random.Between(0, 120));
    const double flat = random.Between(0.01, 1);
    const double turn = random.Between(0, kPi);
    Contour points;
    for (int k = 0; k < count; ++k) {
      const double angle = round % 2 == 0 ? 2 * kPi * k / count : 2 * kPi * std::pow(random.Next(), 3);
      const double radius = round % 5 == 0 ? random.Between(0, 40) : 40;
      const double x = radius * std::cos(angle);
      const double y = flat * radius * std::sin(angle);
      points.push_back({std::cos(turn) * x - std::sin(turn) * y, std::sin(turn) * x + std::cos(turn) * y});
      if (round % 3 == 0) points.back() = {std::round(points.back().x), std::round(points.back().y)};
    }
    const Contour hull = HullOf(points);
    if (hull.size() < 3) continue;
    const BruteCalipers brute(points, hull);
    ASSERT_GE(brute.least_inside, -1e-9) << "a point outside of the hull";
    const auto [rectangle, feret] = CalipersOf(hull);
    ASSERT_NEAR(feret.max, brute.feret_max, 1e-9) << round;
    ASSERT_NEAR(feret.min, brute.feret_min, 1e-9) << round;
    ASSERT_NEAR(rectangle.length * rectangle.width, brute.rectangle_area, 1e-7) << round;
  }
}

/// 4-connected parts of the foreground, or 8-connected ones of the background with a border around, by flooding.
struct Holes {
  int count = 0;
  double area = 0;
  /// Pixels of the mask with everything that it encloses.
  double filled = 0;
};
Holes FloodHoles(const Bits& bits, double least) {
  Bits seen(bits.width + 2, bits.height + 2);
  Holes holes;
  const auto flood = [&](int x, int y) {
    double area = 0;
    std::vector<std::pair<int, int>> open{{x, y}};
    seen(x, y) = 1;
    while (!open.empty()) {
      const auto [i, j] = open.back();
      open.pop_back();
      area += 1;
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          const int a = i + dx;
          const int b = j + dy;
          if (a < 0 || b < 0 || a >= seen.width || b >= seen.height || seen(a, b) || bits.Get(a - 1, b - 1)) continue;
          seen(a, b) = 1;
          open.emplace_back(a, b);
        }
      }
    }
    return area;
  };
  holes.filled = static_cast<double>(seen.width) * seen.height - flood(0, 0);
  for (int y = 0; y < seen.height; ++y) {
    for (int x = 0; x < seen.width; ++x) {
      if (seen(x, y) || bits.Get(x - 1, y - 1)) continue;
      const double area = flood(x, y);
      if (area < least) continue;
      holes.count += 1;
      holes.area += area;
    }
  }
  return holes;
}

TEST(Measures, CountHolesAsFloodingDoes) {
  Random random(3);
  int with_holes = 0;
  for (int round = 0; round < 500; ++round) {
    const Bits bits = RandomMask(random);
    const double least = 1 + random.Below(4);
    const Measures m = Measured(bits, least).measures;
    const Holes holes = FloodHoles(bits, least);
    EXPECT_EQ(m[Measure::kHoles], holes.count) << "round " << round;
    EXPECT_EQ(m[Measure::kAreaFilled], holes.filled) << "round " << round;
    // The area of a hole counts an island in it, which flooding does not.
    EXPECT_GE(m[Measure::kHoleArea], holes.area) << "round " << round;
    with_holes += holes.count > 0;
    bool touches = false;
    for (int y = 0; y < bits.height; ++y) {
      for (int x = 0; x < bits.width; ++x) {
        if (bits.Get(x, y) && (x == 0 || y == 0 || x == bits.width - 1 || y == bits.height - 1)) touches = true;
      }
    }
    EXPECT_EQ(m[Measure::kTouchesFrame], touches ? 1 : 0);
  }
  EXPECT_GT(with_holes, 50);
}

TEST(Measures, SayNothingOfAnEmptyMask) {
  const Measures m = Measured(Bits(8, 8)).measures;
  EXPECT_EQ(m[Measure::kArea], 0);
  EXPECT_EQ(m[Measure::kHoles], 0);
  EXPECT_TRUE(std::isnan(m[Measure::kX]));
  EXPECT_TRUE(std::isnan(m[Measure::kPerimeter]));
}

TEST(Measures, AreFiniteForASinglePixel) {
  Bits bits(8, 8);
  bits(3, 4) = 1;
  const Measures m = Measured(bits).measures;
  EXPECT_EQ(m[Measure::kX], 3.5);
  EXPECT_EQ(m[Measure::kY], 4.5);
  EXPECT_EQ(m[Measure::kLength], 1);
  EXPECT_EQ(m[Measure::kWidth], 1);
  EXPECT_GT(m[Measure::kPerimeter], 0);
  EXPECT_TRUE(std::isnan(m[Measure::kOrientation])) << "a square has no long side";
}

TEST(Measures, RefuseRunsThatDoNotFit) {
  const MaskRun outside{0, 65};
  EXPECT_FALSE(MeasureMask(&outside, 1, 8, 8, 1).ok());
}

TEST(Measures, FindDiscsRoundAtEveryPlace) {
  Random random(4);
  for (const double radius : {8.0, 12.0, 20.0, 50.0, 128.0}) {
    double circularity = 0;
    double perimeter = 0;
    double fitted = 0;
    constexpr int kPlaces = 40;
    for (int place = 0; place < kPlaces; ++place) {
      const Measures m = Measured(Disc(radius, radius + 3 + random.Next(), radius + 3 + random.Next())).measures;
      EXPECT_NEAR(m[Measure::kCircularity], 0.997, 0.005) << "radius " << radius;
      EXPECT_GT(m[Measure::kRoundness], radius < 12 ? 0.9 : 0.95);
      EXPECT_LT(m[Measure::kCircleRms], 0.5);
      circularity += m[Measure::kCircularity] / kPlaces;
      perimeter += m[Measure::kPerimeter] / (2 * kPi * radius) / kPlaces;
      fitted += m[Measure::kCircleDiameter] / kPlaces;
    }
    EXPECT_NEAR(circularity, 0.997, 0.003) << "radius " << radius;
    EXPECT_NEAR(perimeter, 1, 0.005) << "radius " << radius;
    EXPECT_NEAR(fitted, 2 * radius, 0.1) << "radius " << radius;
  }
}

TEST(FitCircle, IsExactOnACircleAndUndefinedOnALine) {
  Contour arc;
  for (int k = 0; k < 20; ++k) arc.push_back({1000 + 7 * std::cos(k * 0.1), -300 + 7 * std::sin(k * 0.1)});
  const Circle circle = FitCircle(arc);
  EXPECT_NEAR(circle.center.x, 1000, 1e-7);
  EXPECT_NEAR(circle.center.y, -300, 1e-7);
  EXPECT_NEAR(circle.radius, 7, 1e-7);
  EXPECT_NEAR(circle.rms, 0, 1e-7);
  EXPECT_TRUE(std::isnan(FitCircle({{0, 0}, {1, 1}, {2, 2}}).radius));
  EXPECT_TRUE(std::isnan(FitCircle({{0, 0}, {1, 1}}).radius));
}

TEST(FitLine, IsHardlyMovedByAFewPointsThatAreOff) {
  Contour points;
  for (int k = 0; k < 50; ++k) points.push_back({static_cast<double>(k), 3 + 0.5 * k + (k % 2 ? 0.1 : -0.1)});
  points[10].y += 8;
  points[30].y += 12;
  const Line line = FitLine(points);
  EXPECT_NEAR((line.offset - line.nx * 25) / line.ny, 3 + 0.5 * 25, 0.05);
  EXPECT_NEAR(-line.nx / line.ny, 0.5, 0.003);
}

TEST(Outline, KeepsAreaAndCentroidOfLargeShapes) {
  const MaskShape shape = Measured(Disc(60, 64.3, 63.8));
  ASSERT_EQ(shape.outlines.size(), 1u);
  const RingArea area = AreaOf(shape.outlines[0]);
  EXPECT_NEAR(area.area, kPi * 3600, 0.005 * kPi * 3600);
  EXPECT_NEAR(area.x, 64.3, 0.05);
  EXPECT_NEAR(area.y, 63.8, 0.05);
}

}  // namespace
}  // namespace fastsamd
