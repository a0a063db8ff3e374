#include "core/candidates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "scene.h"

namespace fastsamd {
namespace {

using test::EmptyScene;
using test::Scene;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

Scene SmallScene(int classes) { return EmptyScene(MakeGeometry(64, 64, 64, 64).value(), classes); }

void Place(Scene& scene, int anchor, float score) {
  const float box[4] = {20, 30, 10, 20};
  for (int row = 0; row < 4; ++row) scene.At(row, anchor) = box[row];
  scene.At(4, anchor) = score;
}

TEST(SelectCandidates, KeepsScoresAboveTheThresholdOnly) {
  Scene scene = SmallScene(1);
  Place(scene, 3, 0.5F);
  Place(scene, 9, std::nextafter(0.5F, 1.0F));
  const auto candidates = SelectCandidates(scene.outputs(), 0.5F);
  ASSERT_EQ(candidates.size(), 1u);
  EXPECT_EQ(candidates[0].anchor, 9);
  EXPECT_EQ(candidates[0].class_index, 0);
  EXPECT_EQ(candidates[0].box.x1, 15.0F);
  EXPECT_EQ(candidates[0].box.y1, 20.0F);
  EXPECT_EQ(candidates[0].box.x2, 25.0F);
  EXPECT_EQ(candidates[0].box.y2, 40.0F);
}

TEST(SelectCandidates, TakesTheBestClassAndTheFirstOfEqualOnes) {
  // 640x640: several blocks of anchors, the last one not full.
  Scene scene = EmptyScene(MakeGeometry(640, 640, 640, 640).value(), 80);
  std::mt19937 random(4);
  std::vector<int> expected(static_cast<size_t>(scene.anchors));
  for (int a = 0; a < scene.anchors; ++a) {
    Place(scene, a, 0.0F);
    float best = -1.0F;
    for (int c = 0; c < 80; ++c) {
      const float score = static_cast<float>(random() % 50) / 50.0F;
      scene.At(4 + c, a) = score;
      if (score > best) {
        best = score;
        expected[static_cast<size_t>(a)] = c;
      }
    }
  }
  const auto candidates = SelectCandidates(scene.outputs(), 0.01F);
  ASSERT_EQ(candidates.size(), expected.size());
  for (size_t a = 0; a < expected.size(); ++a) {
    ASSERT_EQ(candidates[a].class_index, expected[a]);
    ASSERT_EQ(candidates[a].score, scene.At(4 + expected[a], static_cast<int>(a)));
  }
}

TEST(SelectCandidates, SkipsWhatIsNotANumber) {
  Scene scene = SmallScene(1);
  int anchor = 0;
  for (const float bad : {kNaN, kInf, -kInf, std::numeric_limits<float>::max()}) {
    for (int row = 0; row < 4; ++row) {
      Place(scene, anchor, 0.9F);
      scene.At(row, anchor) = bad;
      // The largest number is fine as a size, and as a centre; added to one another they overflow.
      if (bad == std::numeric_limits<float>::max()) scene.At(row % 2, anchor) = scene.At(2 + row % 2, anchor) = bad;
      ++anchor;
    }
  }
  for (const float bad : {kNaN, kInf}) Place(scene, anchor++, bad);
  Place(scene, anchor, 0.9F);
  scene.At(2, anchor++) = -1.0F;
  Place(scene, anchor, 0.9F);
  const auto candidates = SelectCandidates(scene.outputs(), 0.4F);
  ASSERT_EQ(candidates.size(), 1u);
  EXPECT_EQ(candidates[0].anchor, anchor);
}

TEST(SelectCandidates, IgnoresANaNClassBesideAGoodOne) {
  Scene scene = SmallScene(3);
  Place(scene, 0, kNaN);
  scene.At(5, 0) = 0.7F;
  scene.At(6, 0) = kNaN;
  const auto candidates = SelectCandidates(scene.outputs(), 0.4F);
  ASSERT_EQ(candidates.size(), 1u);
  EXPECT_EQ(candidates[0].class_index, 1);
}

}  // namespace
}  // namespace fastsamd
