#include "core/color.h"

#include <gtest/gtest.h>

#include "image_oracle.h"

namespace fastsamd {
namespace {

using test::RandomImage;

TEST(ToRgb, MatchesTheDefinitionInEveryFormat) {
  uint32_t seed = 0;
  for (const PixelFormat format : test::kFormats) {
    for (const auto& [width, height, slack] : {std::array{1, 1, 0}, std::array{2, 1, 3}, std::array{37, 23, 0},
                                               std::array{64, 6, 5}, std::array{131, 3, 64}}) {
      for (const ColorMatrix matrix : {ColorMatrix::kBt601, ColorMatrix::kBt709, ColorMatrix::kBt2020}) {
        for (const ColorRange range : {ColorRange::kLimited, ColorRange::kFull}) {
          RandomImage image(format, width, height, slack, ++seed);
          image.view.matrix = matrix;
          image.view.range = range;
          std::vector<uint8_t> rgb(static_cast<size_t>(width * height * 3));
          ASSERT_TRUE(ToRgb(image.view, rgb.data()).ok());
          for (int i = 0; i < width * height * 3; ++i) {
            const double exact = image.Exact(i / 3 % width, i / 3 / width)[static_cast<size_t>(i % 3)];
            // Half a step is rounding; float32 adds less than a thousandth.
            ASSERT_NEAR(rgb[static_cast<size_t>(i)], exact, 0.501) << "format " << int(format) << " byte " << i;
          }
        }
      }
    }
  }
}

TEST(ToRgb, KnowsThePrimaries) {
  // BT.601 limited range, from the recommendation's own 8 bit colour bars.
  const struct {
    uint8_t y, u, v;
    std::array<int, 3> rgb;
  } bars[] = {{16, 128, 128, {0, 0, 0}},  {235, 128, 128, {255, 255, 255}}, {81, 90, 240, {255, 0, 0}},
              {145, 54, 34, {0, 255, 0}}, {41, 240, 110, {0, 0, 255}},      {0, 128, 128, {0, 0, 0}}};
  for (const auto& bar : bars) {
    const ImageView view{PixelFormat::kI420, 1, 1, {&bar.y, &bar.u, &bar.v}, {1, 1, 1}};
    std::array<uint8_t, 3> rgb{};
    ASSERT_TRUE(ToRgb(view, rgb.data()).ok());
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(rgb[c], bar.rgb[c], 1);
  }
}

TEST(ValidateImage, RefusesWhatCannotBeRead) {
  for (const PixelFormat format : test::kFormats) {
    const RandomImage image(format, 9, 7, 0, 1);
    ASSERT_TRUE(Validate(image.view).ok());
    for (size_t plane = 0; plane < 3 && image.view.planes[plane] != nullptr; ++plane) {
      ImageView bad = image.view;
      bad.planes[plane] = nullptr;
      EXPECT_FALSE(Validate(bad).ok());
      for (const int stride : {0, -100, image.view.strides[plane] - 1, kMaxStride + 1}) {
        bad = image.view;
        bad.strides[plane] = stride;
        EXPECT_FALSE(Validate(bad).ok());
      }
    }
    for (int ImageView::*side : {&ImageView::width, &ImageView::height}) {
      for (const int value : {0, -1, kMaxSide + 1}) {
        ImageView bad = image.view;
        bad.*side = value;
        EXPECT_EQ(Validate(bad).error().code, ErrorCode::kMisuse);
      }
    }
  }
}

}  // namespace
}  // namespace fastsamd
