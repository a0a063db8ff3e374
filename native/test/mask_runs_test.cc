#include "core/mask_runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "dense_masks.h"
#include "scene.h"

namespace fastsamd {
namespace {

using test::Runs;

using test::Scene;

struct Sizes {
  int frame_width, frame_height, input_width, input_height;
};

std::ostream& operator<<(std::ostream& out, const Sizes& s) {
  return out << s.frame_width << "x" << s.frame_height << " in " << s.input_width << "x" << s.input_height;
}

/// Boxes on and off the borders and between pixels, and the whole frame.
std::vector<std::array<float, 4>> Boxes(const Sizes& s, std::mt19937& random) {
  const float w = static_cast<float>(s.frame_width);
  const float h = static_cast<float>(s.frame_height);
  std::uniform_real_distribution<float> unit(0.0F, 1.0F);
  std::vector<std::array<float, 4>> boxes{{0, 0, w, h}, {0, 0, w / 2, h}, {w / 3, h / 2, w, h}, {w / 2, 0, w / 2, h}};
  for (int i = 0; i < 6; ++i) {
    const float x = w * unit(random);
    const float y = h * unit(random);
    boxes.push_back({x, y, x + (w - x) * unit(random), y + (h - y) * unit(random)});
  }
  boxes.push_back({std::floor(w / 2), std::floor(h / 2), std::floor(w / 2) + 1, std::floor(h / 2) + 1});
  return boxes;
}

void ExpectDense(const Scene& scene, const float* coefficients, const std::array<float, 4>& box) {
  const Geometry& g = scene.geometry;
  MaskRunWriter writer(scene.proto.data(), g);
  // Something is there already, and stays apart.
  Runs runs{{0, 0}};
  const auto up = [](float v) { return static_cast<int>(std::ceil(v)); };
  const uint32_t area = writer.Append(coefficients, {up(box[0]), up(box[1]), up(box[2]), up(box[3])}, runs);
  runs.erase(runs.begin());
  const size_t pixels = static_cast<size_t>(g.frame_width) * static_cast<size_t>(g.frame_height);
  const Status valid = ValidateRuns(runs.data(), runs.size(), pixels);
  ASSERT_TRUE(valid.ok()) << valid.error().message;
  const std::vector<bool> dense = test::DenseMask(scene.proto.data(), g, coefficients, box.data());
  ASSERT_TRUE(test::BitmapOf(runs.data(), runs.size(), pixels) == dense);
  ASSERT_EQ(area, static_cast<uint32_t>(std::count(dense.begin(), dense.end(), true)));
}

class DenseAgreement : public testing::TestWithParam<Sizes> {
 protected:
  Geometry geometry() const {
    const Sizes& s = GetParam();
    return MakeGeometry(s.frame_width, s.frame_height, s.input_width, s.input_height).value();
  }
};

TEST_P(DenseAgreement, OnNoise) {
  std::mt19937 random(17);
  const Scene scene = test::NoiseScene(geometry(), 1, 0, 23);
  std::uniform_real_distribution<float> signed_unit(-1.0F, 1.0F);
  std::array<float, kMaskChannels> coefficients{};
  for (const auto& box : Boxes(GetParam(), random)) {
    for (float& c : coefficients) c = signed_unit(random);
    ExpectDense(scene, coefficients.data(), box);
  }
}

TEST_P(DenseAgreement, OnFewLevelsWithManyZerosAndTies) {
  std::mt19937 random(29);
  Scene scene = test::EmptyScene(geometry(), 1);
  for (float& value : scene.proto) value = static_cast<float>(static_cast<int>(random() % 5) - 2);
  std::array<float, kMaskChannels> coefficients{};
  for (const auto& box : Boxes(GetParam(), random)) {
    for (size_t k = 0; k < kMaskChannels; ++k) coefficients[k] = k < 2 ? static_cast<float>(random() % 3) - 1.0F : 0.0F;
    ExpectDense(scene, coefficients.data(), box);
  }
}

TEST_P(DenseAgreement, OnLogitsOfVeryDifferentSize) {
  std::mt19937 random(31);
  Scene scene = test::EmptyScene(geometry(), 1);
  std::uniform_real_distribution<float> exponent(-30.0F, 30.0F);
  for (float& value : scene.proto) value = std::exp2(exponent(random)) * (random() % 2 == 0 ? 1.0F : -1.0F);
  std::array<float, kMaskChannels> coefficients{};
  coefficients[5] = 1.0F;
  for (const auto& box : Boxes(GetParam(), random)) ExpectDense(scene, coefficients.data(), box);
}

TEST_P(DenseAgreement, OnBlobs) {
  std::mt19937 random(37);
  const int objects = 8;
  Scene scene = test::BlobScene(geometry(), objects, 0.2, 41);
  for (int a = 0; a < scene.anchors; ++a) {
    if (scene.At(4, a) <= 0.0F) continue;
    std::array<float, kMaskChannels> coefficients{};
    for (int k = 0; k < kMaskChannels; ++k) coefficients[static_cast<size_t>(k)] = scene.At(5 + k, a);
    ExpectDense(scene, coefficients.data(), Boxes(GetParam(), random)[static_cast<size_t>(a) % 4]);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, DenseAgreement,
                         testing::Values(Sizes{320, 180, 160, 160},  // Downscaled 2:1.
                                         Sizes{317, 181, 160, 160},  // Odd.
                                         Sizes{96, 96, 96, 96},      // As it is.
                                         Sizes{25, 17, 160, 160},    // Several proto rows per pixel.
                                         Sizes{7, 40, 128, 160},     //
                                         Sizes{1, 1, 64, 64},        // One pixel.
                                         Sizes{3, 200, 64, 64},      // No whole proto cell across.
                                         Sizes{200, 2, 64, 96},      // No whole proto cell down.
                                         Sizes{160, 90, 160, 96},    // Not square.
                                         Sizes{90, 160, 160, 96},    //
                                         Sizes{333, 222, 64, 96},    // 5:1.
                                         Sizes{1000, 30, 32, 32}));  //

TEST(MaskRunWriter, JoinsFullColumnsIntoOneRun) {
  const Geometry g = MakeGeometry(64, 48, 64, 64).value();
  Scene scene = test::EmptyScene(g, 1);
  for (float& value : scene.proto) value = 1.0F;
  std::array<float, kMaskChannels> coefficients{};
  coefficients[0] = 1.0F;
  MaskRunWriter writer(scene.proto.data(), g);
  Runs runs;
  EXPECT_EQ(writer.Append(coefficients.data(), {0, 0, 64, 48}, runs), 64u * 48u);
  // A second object begins where the first ends and stays a run of its own.
  EXPECT_EQ(writer.Append(coefficients.data(), {10, 5, 20, 48}, runs), 10u * 43u);
  ASSERT_EQ(runs.size(), 11u);
  EXPECT_EQ(runs[0].end, 64u * 48u);
  EXPECT_EQ(runs[1].start, 10u * 48u + 5u);
}

TEST(MaskRunWriter, TakesAnyFloats) {
  const Geometry g = MakeGeometry(64, 48, 64, 64).value();
  Scene scene = test::NoiseScene(g, 1, 0, 3);
  const float odd[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max(),
                       std::numeric_limits<float>::lowest(),    std::numeric_limits<float>::denorm_min()};
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 40; ++i) scene.proto[random() % scene.proto.size()] = odd[random() % 6];
    std::array<float, kMaskChannels> coefficients{};
    for (float& c : coefficients) c = random() % 8 == 0 ? odd[random() % 6] : 1.0F;
    MaskRunWriter writer(scene.proto.data(), g);
    Runs runs;
    writer.Append(coefficients.data(), {0, 0, 64, 48}, runs);
    ASSERT_TRUE(ValidateRuns(runs.data(), runs.size(), 64 * 48).ok());
  }
}

TEST(MakeProtoAxis, StaysOnCellsInsideTheContent) {
  // 1280 -> 640 wide, 720 -> 360 high at 140.
  const ProtoAxis columns = MakeProtoAxis(1280, 640, 0);
  EXPECT_EQ(columns.low.front(), 0);
  EXPECT_EQ(columns.fraction.front(), 0.0F);
  EXPECT_EQ(columns.low.back(), 159);
  EXPECT_EQ(columns.fraction.back(), 0.0F);
  const ProtoAxis rows = MakeProtoAxis(720, 360, 140);
  EXPECT_EQ(rows.low.front(), 35);
  EXPECT_EQ(rows.low.back(), 124);
  // Pixel 100: (100.5 * 0.5 + 140) / 4 - 0.5 = 47.0625.
  EXPECT_EQ(rows.low[100], 47);
  EXPECT_FLOAT_EQ(rows.fraction[100], 0.0625F);
  // A padding that is no multiple of 4: cell 26 reaches into it, 27 is the first inside.
  EXPECT_EQ(MakeProtoAxis(427, 427, 106).low.front(), 27);
}

}  // namespace
}  // namespace fastsamd
