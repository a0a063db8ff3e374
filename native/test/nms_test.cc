#include "core/nms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/snap.h"

namespace fastsamd {
namespace {

std::vector<Candidate> RandomCandidates(int count, int classes, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(0.0F, 1.0F);
  std::vector<Candidate> candidates;
  for (int i = 0; i < count; ++i) {
    const float x = 100 * unit(random);
    const float y = 100 * unit(random);
    Candidate c;
    c.box = {x, y, x + 60 * unit(random), y + 60 * unit(random)};
    // Few different scores, so that there are ties.
    c.score = static_cast<float>(random() % 40) / 40.0F;
    c.class_index = static_cast<int32_t>(random() % static_cast<unsigned>(classes));
    c.anchor = i;
    candidates.push_back(c);
  }
  return candidates;
}

TEST(SuppressOverlaps, KeepsItsInvariants) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const int classes = 1 + static_cast<int>(seed % 4);
    const float iou = 0.1F + 0.2F * static_cast<float>(seed % 5);
    const auto candidates = RandomCandidates(200, classes, seed);
    const auto kept = SuppressOverlaps(candidates, iou, 1000);
    std::vector<bool> is_kept(candidates.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      is_kept[static_cast<size_t>(kept[i].anchor)] = true;
      if (i > 0) {
        ASSERT_GE(kept[i - 1].score, kept[i].score);
        if (kept[i - 1].score == kept[i].score) {
          ASSERT_LT(kept[i - 1].anchor, kept[i].anchor);
        }
      }
      for (size_t j = 0; j < i; ++j) {
        if (kept[i].class_index == kept[j].class_index) {
          ASSERT_LE(IoU(kept[i].box, kept[j].box), iou);
        }
      }
    }
    for (const Candidate& c : candidates) {
      if (is_kept[static_cast<size_t>(c.anchor)]) continue;
      const bool justified = std::any_of(kept.begin(), kept.end(), [&](const Candidate& k) {
        return k.class_index == c.class_index && k.score >= c.score && IoU(k.box, c.box) > iou;
      });
      ASSERT_TRUE(justified) << "candidate " << c.anchor << " was suppressed by nobody";
    }
  }
}

TEST(SuppressOverlaps, StopsAtTheLimitWithTheSamePrefix) {
  const auto candidates = RandomCandidates(300, 2, 7);
  const auto all = SuppressOverlaps(candidates, 0.5F, 1000);
  for (const size_t limit : {size_t{0}, size_t{1}, size_t{10}, all.size()}) {
    const auto some = SuppressOverlaps(candidates, 0.5F, limit);
    ASSERT_EQ(some.size(), limit);
    for (size_t i = 0; i < limit; ++i) EXPECT_EQ(some[i].anchor, all[i].anchor);
  }
}

TEST(SuppressOverlaps, KeepsEqualBoxesOfDifferentClasses) {
  Candidate a;
  a.box = {0, 0, 10, 10};
  a.score = 0.9F;
  Candidate b = a;
  b.class_index = 1;
  EXPECT_EQ(SuppressOverlaps({a, b}, 0.5F, 10).size(), 2u);
  b.class_index = 0;
  EXPECT_EQ(SuppressOverlaps({a, b}, 0.5F, 10).size(), 1u);
  EXPECT_EQ(SuppressOverlaps({a, b}, 1.0F, 10).size(), 2u) << "an IoU of 1 does not exceed 1";
}

TEST(IoU, IsWhatItSays) {
  EXPECT_FLOAT_EQ(IoU({0, 0, 10, 10}, {5, 0, 15, 10}), 50.0F / 150.0F);
  EXPECT_FLOAT_EQ(IoU({0, 0, 10, 10}, {20, 20, 30, 30}), 0.0F);
  EXPECT_FALSE(IoU({5, 5, 5, 5}, {5, 5, 5, 5}) > 0.0F);
}

void ExpectBox(const BoxF& box, const BoxF& expected) {
  EXPECT_EQ(box.x1, expected.x1);
  EXPECT_EQ(box.y1, expected.y1);
  EXPECT_EQ(box.x2, expected.x2);
  EXPECT_EQ(box.y2, expected.y2);
}

TEST(SnapToBorder, MovesSidesOntoTheContentNotTheInput) {
  // Content: x 0..640, y 140..500.
  const Geometry g = MakeGeometry(1280, 720, 640, 640).value();
  ExpectBox(SnapToBorder({19, 159, 300, 300}, g, 20), {0, 140, 300, 300});
  ExpectBox(SnapToBorder({20, 160, 620, 480}, g, 20), {20, 160, 620, 480});
  ExpectBox(SnapToBorder({300, 200, 621, 481}, g, 20), {300, 200, 640, 500});
  ExpectBox(SnapToBorder({-5, 100, 300, 300}, g, 20), {0, 140, 300, 300});
  ExpectBox(SnapToBorder({19, 159, 621, 481}, g, 0), {19, 159, 621, 481});
}

TEST(SnapToBorder, MakesAnAlmostFullBoxFull) {
  const Geometry g = MakeGeometry(1280, 720, 640, 640).value();
  ExpectBox(SnapToBorder({10, 150, 610, 490}, g, 20), {0, 140, 640, 500});
  ExpectBox(SnapToBorder({10, 150, 570, 490}, g, 20), {0, 140, 570, 500});
}

}  // namespace
}  // namespace fastsamd
