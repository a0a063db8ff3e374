#include "core/track_boxes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/random.h"

namespace fastsamd {
namespace {

std::vector<size_t> Found(const BoxIndex& index, const TrackBox& box) {
  std::vector<size_t> found;
  index.ForOverlapping(box, [&](size_t i) { found.push_back(i); });
  std::sort(found.begin(), found.end());
  return found;
}

TEST(BoxIndex, FindsExactlyTheBoxesThatShareAnArea) {
  Random random(5);
  BoxIndex index;
  for (int round = 0; round < 100; ++round) {
    const size_t count = static_cast<size_t>(random.Below(80));
    std::vector<float> boxes;
    for (size_t i = 0; i < count; ++i) {
      // Whole pixels, so that many boxes touch or are empty.
      const int x = random.Below(40) - 5;
      const int y = random.Below(40) - 5;
      const int right = x + random.Below(12);
      const int bottom = y + random.Below(12);
      for (const int side : {x, y, right, bottom}) boxes.push_back(static_cast<float>(side));
    }
    index.Build(boxes.data(), count);
    for (int query = 0; query < 20; ++query) {
      const double x = random.Below(40) - 5;
      const double y = random.Below(40) - 5;
      const TrackBox box{x, y, x + random.Below(20), y + random.Below(20)};
      std::vector<size_t> expected;
      for (size_t i = 0; i < count; ++i) {
        const float* b = boxes.data() + 4 * i;
        if (BoxIou(box, {b[0], b[1], b[2], b[3]}) > 0.0) expected.push_back(i);
      }
      ASSERT_EQ(Found(index, box), expected);
    }
  }
}

TEST(BoxIndex, LeavesOutWhatIsNoBox) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> boxes{nan, 0, 10, 10, 0, 0, 10, 10, 0, nan, 10, 10, 5, 5, nan, nan, 9, 9, 3, 3};
  BoxIndex index;
  index.Build(boxes.data(), 5);
  EXPECT_EQ(Found(index, {0, 0, 20, 20}), std::vector<size_t>{1});
  index.Build(boxes.data(), 0);
  EXPECT_EQ(Found(index, {0, 0, 20, 20}), std::vector<size_t>{});
}

}  // namespace
}  // namespace fastsamd
