#include "core/geometry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/image.h"

namespace fastsamd {
namespace {

struct Case {
  int frame_width, frame_height, input_width, input_height;
  int content_width, content_height, left, top;
};

class KnownGeometry : public testing::TestWithParam<Case> {};

TEST_P(KnownGeometry, MatchesTheReference) {
  const Case& c = GetParam();
  const Geometry g = MakeGeometry(c.frame_width, c.frame_height, c.input_width, c.input_height).value();
  EXPECT_EQ(g.content_width, c.content_width);
  EXPECT_EQ(g.content_height, c.content_height);
  EXPECT_EQ(g.left, c.left);
  EXPECT_EQ(g.top, c.top);
  EXPECT_TRUE(Validate(g).ok());
}

INSTANTIATE_TEST_SUITE_P(Frames, KnownGeometry,
                         testing::Values(Case{1280, 720, 640, 640, 640, 360, 0, 140},  // Camera, square model.
                                         Case{1280, 720, 640, 384, 640, 360, 0, 12},   // Camera, 16:9 model.
                                         Case{810, 1080, 640, 640, 480, 640, 80, 0},   // Upright.
                                         Case{640, 427, 640, 640, 640, 427, 0, 106},   // Odd padding: less on top.
                                         Case{320, 240, 640, 640, 640, 480, 0, 80},    // Upscaling.
                                         Case{1000, 5, 640, 640, 640, 3, 0, 318},      // 3.2.
                                         Case{256, 25, 640, 64, 640, 62, 0, 1},        // 62.5 goes to the even 62.
                                         Case{256, 27, 640, 128, 640, 68, 0, 30},      // 67.5 goes to the even 68.
                                         Case{1, 1, 32, 32, 32, 32, 0, 0},             // Smallest.
                                         Case{32768, 1, 640, 640, 640, 1, 0, 319}));   // Never empty.

TEST(MakeGeometry, ContentFillsOneAxisAndIsCentred) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const int width = 1 + static_cast<int>(random() % 5000);
    const int height = 1 + static_cast<int>(random() % 5000);
    const int input_width = 32 * (1 + static_cast<int>(random() % 40));
    const int input_height = 32 * (1 + static_cast<int>(random() % 40));
    const Geometry g = MakeGeometry(width, height, input_width, input_height).value();
    ASSERT_TRUE(Validate(g).ok());
    ASSERT_TRUE(g.content_width == input_width || g.content_height == input_height);
    const int after_x = input_width - g.content_width - g.left;
    const int after_y = input_height - g.content_height - g.top;
    ASSERT_TRUE(after_x == g.left || after_x == g.left + 1);
    ASSERT_TRUE(after_y == g.top || after_y == g.top + 1);
    // Into the input and back, a pixel centre is where it was.
    const double u = (width / 3 + 0.5) * g.content_width / width + g.left;
    ASSERT_NEAR((u - g.left) * width / g.content_width, width / 3 + 0.5, 1e-9 * width);
  }
}

TEST(MakeGeometry, RefusesSizesItCannotServe) {
  for (const auto& [w, h, iw, ih] :
       {std::array{0, 720, 640, 640}, std::array{1280, -1, 640, 640}, std::array{kMaxSide + 1, 720, 640, 640},
        std::array{1280, 720, 640, 630}, std::array{1280, 720, 0, 640}, std::array{1280, 720, 640, kMaxSide + 32}}) {
    const auto geometry = MakeGeometry(w, h, iw, ih);
    ASSERT_FALSE(geometry.ok());
    EXPECT_EQ(geometry.error().code, ErrorCode::kMisuse);
  }
}

TEST(ValidateGeometry, RefusesContentOutsideTheInput) {
  const Geometry good = MakeGeometry(1280, 720, 640, 640).value();
  for (int Geometry::*member : {&Geometry::left, &Geometry::top, &Geometry::content_width, &Geometry::content_height}) {
    for (const int value : {-1, 641, 1 << 30, -(1 << 30)}) {
      Geometry bad = good;
      bad.*member = value;
      EXPECT_FALSE(Validate(bad).ok());
    }
  }
}

}  // namespace
}  // namespace fastsamd
