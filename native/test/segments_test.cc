#include "core/segments.h"

#include <gtest/gtest.h>

#include <functional>

namespace fastsamd {
namespace {

Segments TwoObjects() {
  Segments s;
  s.width = 4;
  s.height = 3;
  s.boxes = {0, 0, 1, 1, 0, 0, 4, 3};
  s.scores = {0.9F, 0.8F};
  s.classes = {0, 0};
  s.areas = {2, 12};
  s.runs = {{0, 1}, {2, 3}, {0, 12}};
  s.offsets = {0, 2, 3};
  return s;
}

TEST(SelectSegments, KeepsTheObjectsAsked) {
  Segments all = TwoObjects();
  for (size_t k = 0; k < 2 * kCoefficients; ++k) all.coefficients.push_back(static_cast<float>(k));
  all.carried.ids = {7};
  all.carried.runs = {{0, 1}};
  all.carried.offsets = {0, 1};
  const Segments second = Select(all, {1});
  EXPECT_TRUE(Validate(second).ok());
  EXPECT_EQ(second.boxes, (std::vector<float>{0, 0, 4, 3}));
  EXPECT_EQ(second.scores, std::vector<float>{0.8F});
  EXPECT_EQ(second.areas, std::vector<uint32_t>{12});
  EXPECT_EQ(second.offsets, (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(second.runs[0].end, 12U);
  EXPECT_EQ(second.coefficients.front(), static_cast<float>(kCoefficients));
  EXPECT_TRUE(second.carried.ids.empty());
  EXPECT_TRUE(Validate(Select(all, {})).ok());
}

TEST(ValidateSegments, AcceptsGoodOnes) {
  EXPECT_TRUE(Validate(TwoObjects()).ok());
  Segments empty;
  empty.width = empty.height = 1;
  empty.offsets = {0};
  EXPECT_TRUE(Validate(empty).ok());
}

TEST(ValidateSegments, RefusesBrokenOnes) {
  const std::function<void(Segments&)> breakages[] = {
      [](Segments& s) { s.width = 0; },
      [](Segments& s) { s.height = 1 << 20; },
      [](Segments& s) { s.boxes.pop_back(); },
      [](Segments& s) { s.classes.pop_back(); },
      [](Segments& s) { s.areas.push_back(1); },
      [](Segments& s) { s.offsets.clear(); },
      [](Segments& s) {
        s.offsets = {1, 2, 3};
      },
      [](Segments& s) {
        s.offsets = {0, 2, 2};
      },
      [](Segments& s) {
        s.offsets = {0, 4000000000U, 3};
      },
      [](Segments& s) { s.width = 3; },
      [](Segments& s) {
        s.runs[1] = {1, 3};
      },
      [](Segments& s) {
        s.runs[1] = {3, 3};
      },
      [](Segments& s) {
        s.runs[1] = {3, 2};
      },
      [](Segments& s) {
        s.runs[2] = {0, 4294967295U};
      },
  };
  for (const auto& breakage : breakages) {
    Segments segments = TwoObjects();
    breakage(segments);
    const Status status = Validate(segments);
    ASSERT_FALSE(status.ok()) << "breakage " << &breakage - breakages;
    EXPECT_EQ(status.error().code, ErrorCode::kMisuse);
  }
}

}  // namespace
}  // namespace fastsamd
