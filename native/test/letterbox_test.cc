#include "core/letterbox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/color.h"
#include "image_oracle.h"

namespace fastsamd {
namespace {

using test::RandomImage;

/// Position and weights of output `i` along one axis, as cv::resize has them: single precision, 11 bits.
struct Weights {
  int low, high, a, b;
};
Weights At(int i, int source, int target) {
  const auto position = static_cast<float>((i + 0.5) * source / target - 0.5);
  const auto low = static_cast<int>(std::floor(position));
  if (low < 0) return {0, 0, 2048, 0};
  if (low >= source - 1) return {source - 1, source - 1, 2048, 0};
  const float fraction = position - static_cast<float>(low);
  return {low, low + 1, static_cast<int>(std::nearbyint((1.0F - fraction) * 2048.0F)),
          static_cast<int>(std::nearbyint(fraction * 2048.0F))};
}

/// design/fastsam.md "Letterbox", pixel by pixel, from the 8 bit RGB, in the fixed-point steps of cv::resize.
std::vector<float> Oracle(const ImageView& image, const Geometry& g) {
  const size_t row_bytes = static_cast<size_t>(image.width) * 3;
  std::vector<uint8_t> rgb(row_bytes * static_cast<size_t>(image.height));
  EXPECT_TRUE(ToRgb(image, rgb.data()).ok());
  const auto at = [&](int x, int y, int c) {
    return int{rgb[static_cast<size_t>(y) * row_bytes + static_cast<size_t>(x * 3 + c)]};
  };
  std::vector<float> out;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < g.input_height; ++y) {
      for (int x = 0; x < g.input_width; ++x) {
        const int cx = x - g.left;
        const int cy = y - g.top;
        if (cx < 0 || cy < 0 || cx >= g.content_width || cy >= g.content_height) {
          out.push_back(114.0F / 255.0F);
          continue;
        }
        const Weights h = At(cx, g.frame_width, g.content_width);
        const Weights v = At(cy, g.frame_height, g.content_height);
        const int upper = at(h.low, v.low, c) * h.a + at(h.high, v.low, c) * h.b;
        const int lower = at(h.low, v.high, c) * h.a + at(h.high, v.high, c) * h.b;
        const int value = (((v.a * (upper >> 4)) >> 16) + ((v.b * (lower >> 4)) >> 16) + 2) >> 2;
        out.push_back(static_cast<float>(value) / 255.0F);
      }
    }
  }
  return out;
}

TEST(Letterbox, MatchesTheDefinitionInEveryFormat) {
  const std::array<int, 5> cases[] = {
      {64, 36, 64, 64, 0},   {192, 108, 64, 64, 7}, {37, 23, 96, 64, 1}, {1, 1, 32, 32, 0},     {2, 3, 64, 32, 0},
      {127, 255, 64, 96, 3}, {300, 2, 64, 64, 0},   {3, 200, 32, 64, 2}, {128, 72, 128, 96, 0}, {128, 70, 64, 64, 5}};
  uint32_t seed = 0;
  for (const PixelFormat format : test::kFormats) {
    for (const auto& [width, height, input_width, input_height, slack] : cases) {
      const RandomImage image(format, width, height, slack, ++seed);
      const Geometry g = MakeGeometry(width, height, input_width, input_height).value();
      std::vector<float> input(static_cast<size_t>(3 * input_width * input_height), -1.0F);
      ASSERT_TRUE(Letterbox(image.view, g, input.data(), input.size()).ok());
      const std::vector<float> expected = Oracle(image.view, g);
      for (size_t i = 0; i < input.size(); ++i) {
        ASSERT_EQ(input[i], expected[i]) << width << "x" << height << " format " << int(format) << " at " << i;
      }
    }
  }
}

TEST(Letterbox, KeepsPixelsThatNeedNoScaling) {
  const RandomImage image(PixelFormat::kRgb, 32, 64, 0, 5);
  const Geometry g = MakeGeometry(32, 64, 32, 64).value();
  std::vector<float> input(3 * 32 * 64);
  ASSERT_TRUE(Letterbox(image.view, g, input.data(), input.size()).ok());
  for (int i = 0; i < 32 * 64; ++i) {
    EXPECT_FLOAT_EQ(input[static_cast<size_t>(i)] * 255.0F, static_cast<float>(image.Exact(i % 32, i / 32)[0]));
  }
}

TEST(Letterbox, RefusesWhatDoesNotFitTogether) {
  const RandomImage image(PixelFormat::kI420, 64, 36, 0, 1);
  const Geometry g = MakeGeometry(64, 36, 64, 64).value();
  std::vector<float> input(3 * 64 * 64);
  EXPECT_FALSE(Letterbox(image.view, g, input.data(), input.size() - 1).ok());
  EXPECT_FALSE(Letterbox(image.view, g, nullptr, input.size()).ok());
  EXPECT_FALSE(Letterbox(image.view, MakeGeometry(64, 37, 64, 64).value(), input.data(), input.size()).ok());
  Geometry outside = g;
  outside.top = 40;
  EXPECT_FALSE(Letterbox(image.view, outside, input.data(), input.size()).ok());
}

}  // namespace
}  // namespace fastsamd
