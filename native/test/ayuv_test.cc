#include "core/ayuv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace fastsamd {
namespace {

/// The equations of ITU-R BT.601, BT.709 and BT.2020 in double precision. y in 0..1, u and v in -0.5..0.5.
std::array<double, 3> Exact(ColorMatrix matrix, double y, double u, double v) {
  const auto [kr, kb] = matrix == ColorMatrix::kBt601   ? std::pair{0.299, 0.114}
                        : matrix == ColorMatrix::kBt709 ? std::pair{0.2126, 0.0722}
                                                        : std::pair{0.2627, 0.0593};
  const double red = y + 2 * (1 - kr) * v;
  const double blue = y + 2 * (1 - kb) * u;
  const double green = (y - kr * red - kb * blue) / (1 - kr - kb);
  return {std::clamp(red, 0.0, 1.0) * 255, std::clamp(green, 0.0, 1.0) * 255, std::clamp(blue, 0.0, 1.0) * 255};
}

std::array<uint8_t, 3> Channels(uint32_t rgba) {
  EXPECT_EQ(rgba >> 24U, 255U);
  return {uint8_t(rgba), uint8_t(rgba >> 8U), uint8_t(rgba >> 16U)};
}

std::array<uint8_t, 3> FromAyuv(int y, int u, int v, const YuvMatrix& matrix) {
  const uint32_t in = uint32_t(v) << 24U | uint32_t(u) << 16U | uint32_t(y) << 8U | 9U;
  uint32_t rgba = 0;
  AyuvToRgba(&in, 1, matrix, &rgba);
  return Channels(rgba);
}

constexpr ColorMatrix kMatrices[] = {ColorMatrix::kBt601, ColorMatrix::kBt709, ColorMatrix::kBt2020};

TEST(AyuvToRgba, MatchesTheDefinition) {
  for (const ColorMatrix matrix : kMatrices) {
    for (const ColorRange range : {ColorRange::kLimited, ColorRange::kFull}) {
      const bool full = range == ColorRange::kFull;
      for (int y = 0; y < 256; y += 15) {
        for (int u = 0; u < 256; u += 17) {
          for (int v = 0; v < 256; v += 17) {
            const std::array<uint8_t, 3> rgb = FromAyuv(y, u, v, MakeYuvMatrix(matrix, range));
            const auto exact = full ? Exact(matrix, y / 255.0, (u - 128) / 255.0, (v - 128) / 255.0)
                                    : Exact(matrix, (y - 16) / 219.0, (u - 128) / 224.0, (v - 128) / 224.0);
            for (size_t c = 0; c < 3; ++c) ASSERT_NEAR(rgb[c], exact[c], 0.501);
          }
        }
      }
    }
  }
}

TEST(Ayuv64ToRgba, MatchesTheDefinitionAtEveryDepth) {
  for (const int depth : {9, 10, 12, 16}) {
    const int top = (1 << depth) - 1;
    const int half = 1 << (depth - 1);
    const int scale = 1 << (depth - 8);
    for (const ColorMatrix matrix : kMatrices) {
      for (const ColorRange range : {ColorRange::kLimited, ColorRange::kFull}) {
        const bool full = range == ColorRange::kFull;
        for (int y = 0; y <= top; y += top / 13) {
          for (int u = 0; u <= top; u += top / 7) {
            const int v = top - u / 2;
            const auto word = [depth](int sample) { return static_cast<uint32_t>(sample << (16 - depth)); };
            const std::array<uint32_t, 2> in{word(y) << 16U | 9U, word(v) << 16U | word(u)};
            uint32_t pixel = 0;
            Ayuv64ToRgba(in.data(), 1, MakeYuvMatrix(matrix, range), range, depth, &pixel);
            const std::array<uint8_t, 3> rgb = Channels(pixel);
            const double all = top;
            const auto exact = full ? Exact(matrix, y / all, (u - half) / all, (v - half) / all)
                                    : Exact(matrix, (y - 16 * scale) / (219.0 * scale), (u - half) / (224.0 * scale),
                                            (v - half) / (224.0 * scale));
            for (size_t c = 0; c < 3; ++c) ASSERT_NEAR(rgb[c], exact[c], 0.51) << depth << " bit, " << y << " " << u;
          }
        }
      }
    }
  }
}

TEST(AyuvToRgba, KeepsGreysGrey) {
  for (int y = 16; y <= 235; ++y) {
    const std::array<uint8_t, 3> rgb = FromAyuv(y, 128, 128, MakeYuvMatrix(ColorMatrix::kBt709, ColorRange::kLimited));
    EXPECT_EQ(rgb[0], rgb[1]);
    EXPECT_EQ(rgb[1], rgb[2]);
    EXPECT_EQ(rgb[0], std::lround((y - 16) * 255 / 219.0));
  }
}

}  // namespace
}  // namespace fastsamd
