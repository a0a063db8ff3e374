#include "core/scale.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace fastsamd {
namespace {

/// The mean of the source area below one output sample, by its definition.
double ExactMean(const std::vector<uint8_t>& source, int stride, int width, int height, int channels, int channel,
                 int target_width, int target_height, int x, int y) {
  const double left = double(x) * width / target_width;
  const double right = double(x + 1) * width / target_width;
  const double top = double(y) * height / target_height;
  const double bottom = double(y + 1) * height / target_height;
  double sum = 0;
  for (int row = int(top); row < height && row < bottom; ++row) {
    const double high = std::min(bottom, row + 1.0) - std::max(top, double(row));
    for (int column = int(left); column < width && column < right; ++column) {
      const double wide = std::min(right, column + 1.0) - std::max(left, double(column));
      sum += wide * high * source[size_t(row * stride + column * channels + channel)];
    }
  }
  return sum / ((right - left) * (bottom - top));
}

TEST(AreaScaler, GivesTheMeanOfTheAreaBelow) {
  std::mt19937 random(1);
  AreaScaler scaler;
  for (const auto& [width, height, target_width, target_height] :
       {std::array{1, 1, 1, 1}, std::array{7, 5, 3, 2}, std::array{64, 36, 64, 36}, std::array{191, 107, 64, 36},
        std::array{50, 3, 1, 1}, std::array{641, 2, 640, 1},
        // By a whole factor.
        std::array{62, 34, 31, 17}, std::array{33, 27, 11, 9}, std::array{64, 32, 4, 2}, std::array{34, 17, 2, 1}}) {
    for (const int channels : {1, 2, 3, 4}) {
      const int stride = width * channels + 5;
      std::vector<uint8_t> source(size_t(stride * (height - 1) + width * channels));
      for (uint8_t& byte : source) byte = uint8_t(random());
      std::vector<uint8_t> target(size_t(target_width * target_height * channels));
      scaler.Scale(source.data(), stride, width, height, channels, target.data(), target_width, target_height);
      for (size_t i = 0; i < target.size(); ++i) {
        const int pixel = int(i) / channels;
        const double exact = ExactMean(source, stride, width, height, channels, int(i) % channels, target_width,
                                       target_height, pixel % target_width, pixel / target_width);
        // Half a step is rounding; weights of 12 bits add up to a tenth.
        ASSERT_NEAR(target[i], exact, 0.61) << width << "x" << height << " byte " << i;
      }
    }
  }
}

TEST(AreaScaler, KeepsWhiteWhite) {
  const std::vector<uint8_t> white(size_t{1920} * 1080 * 3, 255);
  std::vector<uint8_t> target(size_t{641} * 359 * 3);
  AreaScaler scaler;
  scaler.Scale(white.data(), 1920 * 3, 1920, 1080, 3, target.data(), 641, 359);
  EXPECT_EQ(std::count(target.begin(), target.end(), 255), static_cast<ptrdiff_t>(target.size()));
}

}  // namespace
}  // namespace fastsamd
