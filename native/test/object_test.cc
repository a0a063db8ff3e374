#include "measure/object.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/item_queue.h"
#include "drawn_part.h"
#include "measure/refine.h"

namespace fastsamd {
namespace {

constexpr size_t kThreads = 4;

/// Calls `work` in kThreads threads at once.
template <typename Work>
void InThreads(Work work) {
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (size_t k = 0; k < kThreads; ++k) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

TEST(ItemQueue, HandsEachItemOutOnceAndTellsTheLastThread) {
  for (int round = 0; round < 200; ++round) {
    constexpr size_t kItems = 50;
    ItemQueue queue(kItems);
    std::vector<int> taken(kItems, 0);
    std::atomic<int> last{0};
    InThreads([&] {
      for (auto item = queue.Take(); item; item = queue.Take()) {
        taken[*item] += 1;
        if (!queue.Finish()) continue;
        last += 1;
        // All that the others wrote is seen here.
        EXPECT_EQ(taken, std::vector<int>(kItems, 1));
      }
    });
    EXPECT_EQ(last, 1);
    EXPECT_FALSE(queue.Take());
  }
}

/// One picture with an object whose edge it shows, and one that lies where there is none; each of them `copies` times.
struct Scene {
  DrawnPicture picture;
  Segments segments;
};

Scene DrawScene(size_t copies) {
  Random random(7);
  DrawnPart part;
  part.radius = 30;
  part.x = part.y = 60;
  part.noise = 3;
  Scene scene{DrawPart(part, 120, random), {}};
  Segments& segments = scene.segments;
  segments.width = segments.height = 120;
  const std::vector<Run> elsewhere{
      {5 * 120 + 4, 5 * 120 + 16}, {6 * 120 + 4, 6 * 120 + 16}, {7 * 120 + 4, 7 * 120 + 16}};
  segments.offsets.push_back(0);
  for (size_t k = 0; k < 2 * copies; ++k) {
    const std::vector<Run>& runs = k % 2 == 0 ? scene.picture.mask : elsewhere;
    segments.runs.insert(segments.runs.end(), runs.begin(), runs.end());
    segments.offsets.push_back(static_cast<uint32_t>(segments.runs.size()));
  }
  return scene;
}

/// Every bit: NaN is equal to NaN.
bool AreEqual(const Measures& a, const Measures& b) { return std::memcmp(a.values, b.values, sizeof a.values) == 0; }

TEST(MeasureObject, IsTheSameInAnyThreadAndOrder) {
  const Scene scene = DrawScene(20);
  const size_t count = scene.segments.offsets.size() - 1;
  ObjectOptions options;
  options.refine = options.color = true;
  Refiner refiner;
  std::vector<std::optional<MeasuredObject>> expected(count);
  for (size_t k = count; k-- > 0;) {
    auto object = MeasureObject(scene.picture.View(), scene.segments, static_cast<uint32_t>(k), options, refiner);
    ASSERT_TRUE(object.ok());
    expected[k] = std::move(object).value();
  }
  EXPECT_TRUE(expected[0]->shape.refined);
  EXPECT_FALSE(expected[1]->shape.refined);

  std::vector<std::optional<MeasuredObject>> shared(count);
  ItemQueue queue(count);
  InThreads([&] {
    Refiner own;
    for (auto item = queue.Take(); item; item = queue.Take()) {
      auto object = MeasureObject(scene.picture.View(), scene.segments, static_cast<uint32_t>(*item), options, own);
      if (object.ok()) shared[*item] = std::move(object).value();
    }
  });
  for (size_t k = 0; k < count; ++k) {
    ASSERT_TRUE(shared[k]);
    EXPECT_TRUE(AreEqual(shared[k]->shape.measures, expected[k]->shape.measures)) << k;
    EXPECT_TRUE(AreEqual(shared[k]->shape.uncertainties, expected[k]->shape.uncertainties)) << k;
    EXPECT_EQ(shared[k]->lab.l, expected[k]->lab.l);
    ASSERT_EQ(shared[k]->shape.outlines.size(), expected[k]->shape.outlines.size());
    const Contour& found = shared[k]->shape.outlines.front();
    const Contour& wanted = expected[k]->shape.outlines.front();
    ASSERT_EQ(found.size(), wanted.size());
    EXPECT_EQ(std::memcmp(found.data(), wanted.data(), found.size() * sizeof(Point)), 0) << k;
  }
}

TEST(MeasureObject, LeavesGroupsOutAndAllElseAsItIs) {
  const Scene scene = DrawScene(1);
  for (const bool refine : {false, true}) {
    for (const uint32_t index : {0U, 1U}) {
      ObjectOptions options;
      options.refine = refine;
      Refiner refiner;
      const auto all = MeasureObject(scene.picture.View(), scene.segments, index, options, refiner);
      options.groups = {false, true};
      const auto some = MeasureObject(scene.picture.View(), scene.segments, index, options, refiner);
      ASSERT_TRUE(all.ok() && some.ok());
      const Measures& whole = all.value().shape.measures;
      Measures rest = some.value().shape.measures;
      EXPECT_FALSE(std::isnan(whole[Measure::kWidth]));
      EXPECT_TRUE(std::isnan(rest[Measure::kWidth]));
      for (const Measure measure :
           {Measure::kConvexity, Measure::kRectangularity, Measure::kLength, Measure::kWidth, Measure::kOrientation,
            Measure::kFeretMax, Measure::kFeretMin, Measure::kAspect, Measure::kElongation}) {
        rest[measure] = whole[measure];
      }
      EXPECT_TRUE(AreEqual(rest, whole)) << refine << index;
    }
  }
}

}  // namespace
}  // namespace fastsamd
