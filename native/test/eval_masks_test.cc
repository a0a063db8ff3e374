#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "eval/mask_overlap.h"
#include "eval/polygon_mask.h"

namespace fastsamd {
namespace {

TEST(PolygonMask, StaysWithinThePictureForAnyCoordinates) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> any(-1e5, 1e5);
  std::uniform_real_distribution<double> near(-20, 60);
  for (int round = 0; round < 300; ++round) {
    std::vector<Ring> rings(1 + random() % 3);
    for (Ring& ring : rings) {
      ring.resize(2 * (3 + random() % 5));
      // Far coordinates make long walks, so only a few rings have them.
      for (double& value : ring) value = round == 0 ? any(random) : near(random);
    }
    const auto runs = PolygonMask(rings, 40, 30);
    ASSERT_TRUE(runs.ok());
    uint32_t position = 0;
    for (const fastsamd::Run& run : runs.value()) {
      EXPECT_TRUE(run.start < run.end && (run.start > position || position == 0)) << "runs ascend and do not touch";
      position = run.end;
    }
    EXPECT_LE(position, 1200u);
  }
}

TEST(PolygonMask, RefusesWhatIsNoPolygon) {
  EXPECT_FALSE(PolygonMask({{1, 2, 3, 4}}, 8, 8).ok());
  EXPECT_FALSE(PolygonMask({{1, 2, 3, 4, 5, std::nan("")}}, 8, 8).ok());
  EXPECT_FALSE(PolygonMask({{1, 2, 3, 4, 5, 1.1e5}}, 8, 8).ok());
  EXPECT_FALSE(PolygonMask({}, 0, 8).ok());
  EXPECT_TRUE(PolygonMask({}, 8, 8).value().empty());
}

TEST(MaskOverlaps, CountsACrowdAsTheDetection) {
  const std::vector<fastsamd::Run> a{{0, 10}, {20, 30}};
  const std::vector<fastsamd::Run> b{{5, 25}};
  const std::vector<fastsamd::Run> none;
  const std::vector<RunSpan> detections{{a.data(), a.size()}, {none.data(), 0}};
  const std::vector<RunSpan> truths{{b.data(), b.size()}, {b.data(), b.size()}, {none.data(), 0}};
  const std::vector<double> overlaps = MaskOverlaps(detections, truths, {0, 1, 0}, {7, 7}, {7, 7, 7});
  EXPECT_EQ(overlaps, (std::vector<double>{10. / 30, 10. / 20, 0, 0, 0, 0}));
  EXPECT_EQ(MaskOverlaps(detections, truths, {0, 1, 0}, {8, 7}, {7, 8, 7}), (std::vector<double>{10. / 20, 0, 0}))
      << "a row has the truths of its group";
  EXPECT_TRUE(MaskOverlaps(detections, truths, {0, 1, 0}, {1, 2}, {7, 8, 7}).empty());
}

}  // namespace
}  // namespace fastsamd
