#include "scenes/conveyor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "scenes/conveyor_parts.h"

namespace fastsamd {
namespace {

struct Picture {
  int width;
  int height;
  std::vector<uint8_t> rgb;
  ConveyorTruth truth;

  int LabelAt(int x, int y) const {
    return truth.labels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
  int BrightnessAt(int x, int y) const {
    const size_t i = 3 * (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x));
    return rgb[i] + rgb[i + 1] + rgb[i + 2];
  }
};

Picture Render(int index, ConveyorOptions options) {
  Picture picture{options.width, options.height, {}, {}};
  picture.rgb.resize(static_cast<size_t>(options.width) * static_cast<size_t>(options.height) * 3);
  RenderConveyor(index, options, picture.rgb.data(), &picture.truth);
  return picture;
}

TEST(RenderConveyor, DependsOnItsArgumentsOnly) {
  const Picture picture = Render(5, {320, 240, 25, 1});
  EXPECT_EQ(picture.rgb, Render(5, {320, 240, 25, 1}).rgb);
  EXPECT_EQ(picture.truth.labels, Render(5, {320, 240, 25, 1}).truth.labels);
  EXPECT_NE(picture.rgb, Render(6, {320, 240, 25, 1}).rgb);
  EXPECT_NE(picture.rgb, Render(5, {320, 240, 25, 2}).rgb);
  EXPECT_NE(picture.rgb, Render(5, {320, 240, 50, 1}).rgb);
}

TEST(RenderConveyor, DrawsTheSamePictureWithAndWithoutTruth) {
  const Picture picture = Render(9, {200, 150, 25, 7});
  std::vector<uint8_t> rgb(picture.rgb.size());
  RenderConveyor(9, {200, 150, 25, 7}, rgb.data(), nullptr);
  EXPECT_EQ(rgb, picture.rgb);
}

TEST(RenderConveyor, ItsTruthAgreesWithItself) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    const Picture picture = Render(static_cast<int>(seed) * 40, {320, 320, 25, seed});
    ASSERT_FALSE(picture.truth.instances.empty());
    std::set<int64_t> ids;
    std::vector<ConveyorInstance> measured(picture.truth.instances.size());
    for (int y = 0; y < picture.height; ++y) {
      for (int x = 0; x < picture.width; ++x) {
        const int label = picture.LabelAt(x, y);
        if (label == 0) continue;
        ASSERT_LE(static_cast<size_t>(label), measured.size());
        ConveyorInstance& m = measured[static_cast<size_t>(label) - 1];
        if (m.visible_pixels++ == 0) m.x0 = x, m.y0 = y;
        m.x0 = std::min(m.x0, x);
        m.x1 = std::max(m.x1, x + 1);
        m.y1 = y + 1;
      }
    }
    for (size_t i = 0; i < measured.size(); ++i) {
      const ConveyorInstance& instance = picture.truth.instances[i];
      EXPECT_TRUE(ids.insert(instance.id).second);
      EXPECT_EQ(instance.visible_pixels, measured[i].visible_pixels);
      EXPECT_EQ(instance.x0, measured[i].x0);
      EXPECT_EQ(instance.y0, measured[i].y0);
      EXPECT_EQ(instance.x1, measured[i].x1);
      EXPECT_EQ(instance.y1, measured[i].y1);
      EXPECT_GE(instance.visible_pixels, 15);  // 60 pixels of 640 x 640
      EXPECT_GE(instance.visible_fraction, 0.15);
      EXPECT_LE(instance.visible_fraction, 1.0);
    }
  }
}

TEST(RenderConveyor, MasksEndWhereThePictureHasEdges) {
  double at_borders = 0, border_pixels = 0, elsewhere = 0, other_pixels = 0;
  for (uint32_t seed = 20; seed < 26; ++seed) {
    const Picture picture = Render(100, {320, 320, 25, seed});
    for (int y = 40; y < 280; ++y) {  // the belt, without its rails
      for (int x = 1; x < 319; ++x) {
        const int step = std::abs(picture.BrightnessAt(x + 1, y) - picture.BrightnessAt(x - 1, y));
        const int left = picture.LabelAt(x - 1, y);
        const int right = picture.LabelAt(x + 1, y);
        if (left != right && std::min(left, right) == 0) {
          at_borders += step;
          ++border_pixels;
        } else if (left == 0 && right == 0) {
          elsewhere += step;
          ++other_pixels;
        }
      }
    }
  }
  ASSERT_GT(border_pixels, 1000);
  EXPECT_GT(at_borders / border_pixels, 5 * elsewhere / other_pixels);
}

TEST(RenderConveyor, PartsTravelTogetherFromLeftToRight) {
  const ConveyorOptions options{640, 480, 10, 3};
  const Picture before = Render(50, options);
  const Picture after = Render(53, options);
  std::map<int64_t, ConveyorInstance> seen;
  for (const ConveyorInstance& instance : before.truth.instances) seen[instance.id] = instance;
  std::vector<int> steps;
  for (const ConveyorInstance& instance : after.truth.instances) {
    const auto found = seen.find(instance.id);
    if (found == seen.end() || found->second.x0 == 0 || instance.x1 == options.width) continue;
    EXPECT_EQ(instance.part, found->second.part);
    EXPECT_EQ(instance.defect, found->second.defect);
    EXPECT_NEAR(instance.y0, found->second.y0, 1);
    steps.push_back(instance.x0 - found->second.x0);
  }
  ASSERT_GE(steps.size(), 4u);
  const auto [least, most] = std::minmax_element(steps.begin(), steps.end());
  EXPECT_GT(*least, 10);
  EXPECT_LE(*most - *least, 1);
}

TEST(RenderConveyor, ShowsEveryKindOfPartAndSomeDefects) {
  std::map<std::pair<uint32_t, int64_t>, ConveyorInstance> parts;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    for (const ConveyorInstance& instance : Render(0, {160, 160, 25, seed}).truth.instances) {
      parts[{seed, instance.id}] = instance;
    }
  }
  std::array<int, 5> kinds{};
  std::array<int, 4> defects{};
  for (const auto& [key, instance] : parts) {
    ++kinds[static_cast<size_t>(instance.part)];
    ++defects[static_cast<size_t>(instance.defect)];
  }
  ASSERT_GT(parts.size(), 200u);
  for (const int count : kinds) EXPECT_GT(count, 20);
  for (const int count : defects) EXPECT_GT(count, 2);
  EXPECT_GT(defects[0], static_cast<int>(parts.size() * 7 / 10));
}

TEST(RenderConveyor, PlatesOfOneOrTwoLanesAreWholeAndNeverTouch) {
  for (const int lanes : {1, kMaxPlateLanes}) {
    size_t plates = 0;
    for (uint32_t seed = 0; seed < 30; ++seed) {
      ConveyorOptions options{320, 320, 25, seed};
      options.plates = true;
      options.lanes = lanes;
      const Picture picture = Render(7 * static_cast<int>(seed), options);
      plates += picture.truth.instances.size();
      for (const ConveyorInstance& instance : picture.truth.instances) {
        EXPECT_EQ(instance.part, PartClass::kPlate);
        if (instance.x0 > 0 && instance.x1 < 320) {
          EXPECT_GT(instance.visible_fraction, 0.9) << seed;
        }
      }
      for (int y = 1; y < 320; ++y) {
        for (int x = 1; x < 320; ++x) {
          const int here = picture.LabelAt(x, y);
          for (const int beside : {picture.LabelAt(x - 1, y), picture.LabelAt(x, y - 1)}) {
            ASSERT_TRUE(here == 0 || beside == 0 || here == beside) << seed << ": " << x << ", " << y;
          }
        }
      }
    }
    // About 2.4 cells of a lane are in sight, nine of ten with a plate.
    EXPECT_NEAR(static_cast<double>(plates) / 30.0 / lanes, 2.4, 0.5);
  }
}

TEST(RenderConveyor, TakesAnySizeIndexAndRate) {
  for (const int index : {0, -1, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    for (const auto& [width, height] : {std::pair{1, 1}, std::pair{1, 200}, std::pair{333, 2}, std::pair{17, 19}}) {
      for (const double fps : {0.01, 25.0, 1e6}) {
        const Picture picture = Render(index, {width, height, fps, 5});
        EXPECT_EQ(picture.rgb, Render(index, {width, height, fps, 5}).rgb);
      }
    }
  }
  EXPECT_LT(Render(0, {32768, 3, 25, 5}).truth.instances.size(), 65535u);
  EXPECT_LT(Render(0, {3, 32768, 25, 5}).truth.instances.size(), 65535u);
}

TEST(Parts, TheirAreaIsThatOfTheirPixels) {
  Random random(11);
  for (int i = 0; i < 60; ++i) {
    Part part = MakePart(random, 640.0f);
    part.x = part.y = 150.0f;
    int covered = 0;
    std::array<float, 300> row{};
    for (int y = 0; y < 300; ++y) {
      PartDistances(part, 0, y, 300, row.data());
      covered += static_cast<int>(std::count_if(row.begin(), row.end(), [](float d) { return d < 0.0f; }));
      // The reach holds the part: nothing of it may be cut off.
      for (int x = 0; x < 300; ++x) {
        if (row[static_cast<size_t>(x)] < 0.0f) {
          ASSERT_LE(std::hypot(x + 0.5 - 150.0, y + 0.5 - 150.0), static_cast<double>(part.reach) + 0.5);
        }
      }
    }
    EXPECT_NEAR(PartArea(part) / covered, 1.0, 0.12);
  }
}

}  // namespace
}  // namespace fastsamd
