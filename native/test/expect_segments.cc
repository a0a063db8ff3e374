#include "expect_segments.h"

#include <gtest/gtest.h>

namespace fastsamd::test {

void ExpectEqual(const Segments& got, const Segments& expected) {
  EXPECT_EQ(got.width, expected.width);
  EXPECT_EQ(got.height, expected.height);
  EXPECT_EQ(got.boxes, expected.boxes);
  EXPECT_EQ(got.scores, expected.scores);
  EXPECT_EQ(got.classes, expected.classes);
  EXPECT_EQ(got.areas, expected.areas);
  EXPECT_EQ(got.offsets, expected.offsets);
  EXPECT_EQ(got.coefficients, expected.coefficients);
  EXPECT_EQ(got.carried.ids, expected.carried.ids);
  EXPECT_EQ(got.carried.offsets, expected.carried.offsets);
  ASSERT_EQ(got.carried.runs.size(), expected.carried.runs.size());
  for (size_t i = 0; i < got.carried.runs.size(); ++i) {
    ASSERT_EQ(got.carried.runs[i].start, expected.carried.runs[i].start);
    ASSERT_EQ(got.carried.runs[i].end, expected.carried.runs[i].end);
  }
  ASSERT_EQ(got.runs.size(), expected.runs.size());
  for (size_t i = 0; i < got.runs.size(); ++i) {
    ASSERT_EQ(got.runs[i].start, expected.runs[i].start);
    ASSERT_EQ(got.runs[i].end, expected.runs[i].end);
  }
}

}  // namespace fastsamd::test
