#include "core/camera_motion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"

namespace fastsamd {
namespace {

constexpr int kWidth = 960;
constexpr int kHeight = 540;

/// Smooth noise over the plane: a texture that can be looked at from anywhere.
double TextureAt(double x, double y) {
  double value = 0.0;
  double weight = 0.5;
  for (double size = 64.0; size >= 12.0; size /= 2.0, weight *= 0.7) {
    const double u = x / size;
    const double v = y / size;
    const double fu = std::floor(u);
    const double fv = std::floor(v);
    const auto at = [&](double i, double j) {
      const auto column = static_cast<uint32_t>(static_cast<int32_t>(fu + i));
      const auto row = static_cast<uint32_t>(static_cast<int32_t>(fv + j));
      return (HashLattice(column, row, static_cast<uint32_t>(size)) & 255u) / 255.0;
    };
    const auto smooth = [](double t) { return t * t * (3.0 - 2.0 * t); };
    const double a = smooth(u - fu);
    const double b = smooth(v - fv);
    value += weight * ((1 - b) * ((1 - a) * at(0, 0) + a * at(1, 0)) + b * ((1 - a) * at(0, 1) + a * at(1, 1)));
  }
  return std::clamp(value * 200.0, 0.0, 255.0);
}

struct Picture {
  std::vector<uint8_t> rgb;
  ImageView view;
};

/// The scene as a camera sees it that turned, came closer and moved: frame point p shows scene point scale * R p +
/// shift.
Picture Look(double scale, double angle, double x0, double y0) {
  Picture picture;
  picture.rgb.resize(static_cast<size_t>(kWidth) * kHeight * 3);
  const double c = scale * std::cos(angle);
  const double s = scale * std::sin(angle);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const double u = x + 0.5 - kWidth / 2.0;
      const double v = y + 0.5 - kHeight / 2.0;
      const auto value = static_cast<uint8_t>(TextureAt(c * u - s * v + x0, s * u + c * v + y0));
      for (int k = 0; k < 3; ++k) picture.rgb[static_cast<size_t>(3 * (y * kWidth + x) + k)] = value;
    }
  }
  picture.view.width = kWidth;
  picture.view.height = kHeight;
  picture.view.strides[0] = 3 * kWidth;
  picture.view.planes[0] = picture.rgb.data();
  return picture;
}

struct Pose {
  double scale;
  double angle;
  double x;
  double y;
};

/// Largest distance between where the estimate puts points of the frame and where they are, in pixels.
double Residual(const CameraMotion& found, const Pose& a, const Pose& b) {
  double worst = 0.0;
  for (const double px : {0.1, 0.5, 0.9}) {
    for (const double py : {0.1, 0.5, 0.9}) {
      const double u = (px - 0.5) * kWidth;
      const double v = (py - 0.5) * kHeight;
      const double sx = a.scale * (std::cos(a.angle) * u - std::sin(a.angle) * v) + a.x;
      const double sy = a.scale * (std::sin(a.angle) * u + std::cos(a.angle) * v) + a.y;
      const double dx = (sx - b.x) / b.scale;
      const double dy = (sy - b.y) / b.scale;
      const double tx = std::cos(b.angle) * dx + std::sin(b.angle) * dy + kWidth / 2.0;
      const double ty = -std::sin(b.angle) * dx + std::cos(b.angle) * dy + kHeight / 2.0;
      worst = std::max(worst, std::hypot(found.motion.X(px * kWidth, py * kHeight) - tx,
                                         found.motion.Y(px * kWidth, py * kHeight) - ty));
    }
  }
  return worst;
}

class CameraMotions : public testing::TestWithParam<Pose> {};

TEST_P(CameraMotions, AreFoundToAPixelOfFullHd) {
  const Pose before{1.0, 0.0, 1000.0, 700.0};
  const Pose after = GetParam();
  CameraMotionEstimator estimator;
  EXPECT_TRUE(estimator.Next(Look(before.scale, before.angle, before.x, before.y).view).sure);
  const CameraMotion found = estimator.Next(Look(after.scale, after.angle, after.x, after.y).view);
  EXPECT_TRUE(found.sure) << found.inliers << " of " << found.points;
  // Half a pixel here is one of 1920 x 1080.
  EXPECT_LT(Residual(found, before, after), 0.5);
  EXPECT_EQ(found.sides, 4);
}

INSTANTIATE_TEST_SUITE_P(Poses, CameraMotions,
                         testing::Values(Pose{1.0, 0.0, 1000, 700}, Pose{1.0, 0.0, 1030, 700},
                                         Pose{1.0, 0.0, 1000, 670}, Pose{1.0, 0.0, 979, 679},
                                         Pose{1.02, 0.0, 1004, 700}, Pose{0.97, 0.0, 1000, 700},
                                         Pose{1.0, 0.02, 1000, 700}, Pose{1.01, -0.015, 1012, 693}));

TEST(CameraMotion, FindsALargeJumpByPhaseCorrelation) {
  const Pose before{1.0, 0.0, 1000.0, 700.0};
  const Pose after{1.0, 0.0, 1220.0, 620.0};
  CameraMotionEstimator estimator;
  estimator.Next(Look(before.scale, before.angle, before.x, before.y).view);
  const CameraMotion found = estimator.Next(Look(after.scale, after.angle, after.x, after.y).view);
  EXPECT_TRUE(found.sure);
  EXPECT_LT(Residual(found, before, after), 0.5);
}

TEST(CameraMotion, IsNotSureOfAnotherSceneOrOfNothing) {
  CameraMotionEstimator estimator;
  estimator.Next(Look(1.0, 0.0, 1000, 700).view);
  const CameraMotion other = estimator.Next(Look(1.0, 0.0, 90000, 40000).view);
  EXPECT_FALSE(other.sure);
  EXPECT_EQ(other.motion.dx, 0.0);
  Picture flat = Look(1.0, 0.0, 0, 0);
  std::fill(flat.rgb.begin(), flat.rgb.end(), uint8_t{90});
  CameraMotionEstimator second;
  second.Next(flat.view);
  EXPECT_FALSE(second.Next(flat.view).sure);
}

TEST(CameraMotion, OfABeltMovesTwoSides) {
  const Picture before = Look(1.0, 0.0, 1000.0, 700.0);
  Picture after = before;
  after.view.planes[0] = after.rgb.data();
  const Picture moved = Look(1.0, 0.0, 1012.0, 700.0);
  // From the left side to the right one, seven tenths of the height.
  const size_t row = static_cast<size_t>(3 * kWidth);
  const auto first = static_cast<ptrdiff_t>(row * (kHeight * 3 / 20));
  const auto end = static_cast<ptrdiff_t>(row * (kHeight * 17 / 20));
  std::copy(moved.rgb.begin() + first, moved.rgb.begin() + end, after.rgb.begin() + first);
  CameraMotionEstimator estimator;
  EXPECT_EQ(estimator.Next(before.view).sides, 0);
  const CameraMotion found = estimator.Next(after.view);
  EXPECT_TRUE(found.sure);
  EXPECT_NEAR(found.motion.dx, -12.0, 0.5);
  EXPECT_EQ(found.sides, 2);
}

TEST(CameraMotion, TakesAnySize) {
  std::vector<uint8_t> rgb(400 * 3, 7);
  for (const auto& [width, height] : {std::pair{1, 1}, {400, 1}, {1, 400}, {20, 20}, {3, 90}}) {
    ImageView view;
    view.width = width;
    view.height = height;
    view.strides[0] = 3 * width;
    view.planes[0] = rgb.data();
    CameraMotionEstimator estimator;
    estimator.Next(view);
    EXPECT_FALSE(estimator.Next(view).sure);
  }
}

}  // namespace
}  // namespace fastsamd
