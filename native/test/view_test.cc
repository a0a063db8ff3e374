#include "scenes/view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/camera_motion.h"
#include "core/image.h"
#include "scenes/conveyor.h"
#include "scenes/shapes.h"

namespace fastsamd {
namespace {

constexpr int kWidth = 960;
constexpr int kHeight = 540;

double Corners(const Affine& a, const Affine& b) {
  double most = 0.0;
  for (const double x : {0.0, static_cast<double>(kWidth)}) {
    for (const double y : {0.0, static_cast<double>(kHeight)})
      most = std::max(most, std::hypot(a.X(x, y) - b.X(x, y), a.Y(x, y) - b.Y(x, y)));
  }
  return most;
}

class Cameras : public testing::TestWithParam<CameraMove> {};

/// The estimator sees the scene's pictures alone, with shapes that move over the floor; the scene knows the truth.
TEST_P(Cameras, AreFoundToAPixelOfFullHdWhileThingsMove) {
  ShapesOptions options{kWidth, kHeight, 5};
  options.view.camera = GetParam();
  CameraMotionEstimator estimator;
  std::vector<uint8_t> rgb(size_t{3} * kWidth * kHeight);
  ImageView image;
  image.width = kWidth;
  image.height = kHeight;
  image.strides[0] = 3 * kWidth;
  image.planes[0] = rgb.data();
  for (int index = 40; index < 60; ++index) {
    RenderShapes(index, options, rgb.data(), nullptr);
    const CameraMotion found = estimator.Next(image);
    EXPECT_TRUE(found.sure) << index;
    if (index == 40) continue;
    const Affine truth = MotionBetween(index, kWidth, kHeight, options.view);
    // 540 lines: half a pixel here is one of 1080, 30 are 60.
    EXPECT_LT(Corners(found.motion, truth), 0.5) << index;
    EXPECT_LE(Corners(truth, Affine{}), 30.0) << index;
    EXPECT_GT(Corners(truth, Affine{}), 0.5) << index;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Cameras,
                         testing::Values(CameraMove::kPan, CameraMove::kZoom, CameraMove::kShake, CameraMove::kYaw));

TEST(View, AFixedCameraDrawsWhatItDrewBefore) {
  const ViewOptions fixed;
  EXPECT_TRUE(ViewAt(7, 64, 48, fixed).direct);
  EXPECT_EQ(Corners(MotionBetween(7, 64, 48, fixed), Affine{}), 0.0);
}

TEST(View, LabelsMoveWithThePicture) {
  ConveyorOptions options{200, 150, 25, 7};
  options.view.camera = CameraMove::kYaw;
  std::vector<uint8_t> rgb(size_t{3} * 200 * 150);
  ConveyorTruth truth;
  RenderConveyor(15, options, rgb.data(), &truth);
  ASSERT_FALSE(truth.instances.empty());
  for (const ConveyorInstance& instance : truth.instances) {
    EXPECT_LE(instance.visible_fraction, 1.0);
    EXPECT_GE(instance.visible_fraction, 0.15);
  }
}

TEST(View, TheBarHidesWhatIsBehindIt) {
  ShapesOptions options{320, 180, 3};
  options.view.bar = 0.5;
  std::vector<uint8_t> rgb(size_t{3} * 320 * 180);
  for (int index = 0; index < 300; index += 20) {
    ShapesTruth truth;
    RenderShapes(index, options, rgb.data(), &truth);
    // The bar is 90 pixels wide.
    for (int y = 0; y < 180; ++y)
      EXPECT_EQ(std::count(truth.labels.begin() + y * 320 + 115, truth.labels.begin() + y * 320 + 205, 0), 90);
  }
}

TEST(View, TheLightFallsAndComesBack) {
  ShapesOptions options{32, 18, 3};
  options.view.light = 0.5;
  std::vector<uint8_t> lit(size_t{3} * 32 * 18);
  std::vector<uint8_t> dim(lit);
  RenderShapes(kLightPictures / 2, {32, 18, 3}, lit.data(), nullptr);
  RenderShapes(kLightPictures / 2, options, dim.data(), nullptr);
  for (size_t i = 0; i < lit.size(); ++i) EXPECT_NEAR(dim[i], lit[i] / 2.0, 1.0);
  RenderShapes(kLightPictures, {32, 18, 3}, lit.data(), nullptr);
  RenderShapes(kLightPictures, options, dim.data(), nullptr);
  EXPECT_EQ(dim, lit);
}

TEST(Shapes, TwinsAreAlikeAndPiecesLieInTheirShapes) {
  ShapesOptions options{640, 360, 9};
  options.twins = true;
  options.pieces = true;
  std::vector<uint8_t> rgb(size_t{3} * 640 * 360);
  ShapesTruth truth;
  RenderShapes(30, options, rgb.data(), &truth);
  int pieces = 0;
  for (const ShapesInstance& piece : truth.instances) {
    if (piece.parent < 0) continue;
    ++pieces;
    const auto whole = std::find_if(truth.instances.begin(), truth.instances.end(),
                                    [&](const ShapesInstance& other) { return other.id == piece.parent; });
    ASSERT_NE(whole, truth.instances.end());
    EXPECT_TRUE(whole->x0 <= piece.x0 && whole->x1 >= piece.x1 && whole->y0 <= piece.y0 && whole->y1 >= piece.y1);
    EXPECT_GT(whole->visible_pixels, piece.visible_pixels);
  }
  EXPECT_GT(pieces, 2);
  const auto shape = [&](int id) {
    return *std::find_if(truth.instances.begin(), truth.instances.end(),
                         [&](const ShapesInstance& each) { return each.id == id; });
  };
  for (int id = 0; id < 4; ++id) {
    if (shape(id).visible_fraction < 0.99 || shape(id + 4).visible_fraction < 0.99) continue;
    EXPECT_NEAR(shape(id).visible_pixels, shape(id + 4).visible_pixels, 0.03 * shape(id).visible_pixels);
  }
}

TEST(Shapes, LeaveThePictureAndComeBack) {
  ShapesOptions options{320, 180, 4};
  options.leave = true;
  std::vector<uint8_t> rgb(size_t{3} * 320 * 180);
  size_t fewest = 8;
  size_t last = 0;
  for (int index = 0; index < 1500; index += 25) {
    ShapesTruth truth;
    RenderShapes(index, options, rgb.data(), &truth);
    last = truth.instances.size();
    fewest = std::min(fewest, last);
  }
  EXPECT_LT(fewest, 7u);
  EXPECT_GT(last, 0u);
}

}  // namespace
}  // namespace fastsamd
