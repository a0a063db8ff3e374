#include "core/annotate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace fastsamd {
namespace {

constexpr int kWidth = 40;
constexpr int kHeight = 30;
constexpr uint8_t kGrey = 100;

class Picture {
 public:
  ImageView view() const {
    ImageView image;
    image.format = PixelFormat::kRgb;
    image.width = kWidth;
    image.height = kHeight;
    image.planes[0] = pixels_.data();
    image.strides[0] = kWidth * 3;
    return image;
  }

  Status Draw(const std::vector<Polyline>& lines, const std::vector<Stamp>& stamps = {}) {
    return Annotate(view(), lines, stamps, rgb_.data());
  }

  int At(int x, int y, int channel = 0) const { return rgb_[static_cast<size_t>((y * kWidth + x) * 3 + channel)]; }

 private:
  std::vector<uint8_t> pixels_ = std::vector<uint8_t>(size_t{3} * kWidth * kHeight, kGrey);
  std::vector<uint8_t> rgb_ = std::vector<uint8_t>(pixels_.size());
};

TEST(Annotate, DrawsALineWhereItIsAndNoWider) {
  Picture picture;
  const double points[] = {5, 10, 25, 10};
  ASSERT_TRUE(picture.Draw({{points, 2, false, 0xFF0000, 2}}).ok());
  // Two pixels wide, around y = 10.
  for (int x = 6; x < 24; ++x) {
    EXPECT_EQ(picture.At(x, 9), 255);
    EXPECT_EQ(picture.At(x, 10), 255);
    EXPECT_EQ(picture.At(x, 9, 1), 0);
    EXPECT_EQ(picture.At(x, 8), kGrey);
    EXPECT_EQ(picture.At(x, 11), kGrey);
  }
  EXPECT_EQ(picture.At(2, 10), kGrey);
  EXPECT_EQ(picture.At(28, 10), kGrey);
}

TEST(Annotate, ClosesARingAndLeavesItsInside) {
  Picture picture;
  const double points[] = {5, 5, 25, 5, 25, 20, 5, 20};
  ASSERT_TRUE(picture.Draw({{points, 4, true, 0x00FF00, 2}}).ok());
  EXPECT_EQ(picture.At(5, 12, 1), 255);
  EXPECT_EQ(picture.At(15, 12, 1), kGrey);
  ASSERT_TRUE(picture.Draw({{points, 4, false, 0x00FF00, 2}}).ok());
  EXPECT_EQ(picture.At(5, 12, 1), kGrey);
}

TEST(Annotate, LeavesOutWhatLiesOutside) {
  Picture picture;
  const double far[] = {-1e9, -1e9, 1e9, -1e9, 1e12, 15};
  ASSERT_TRUE(picture.Draw({{far, 3, false, 0, 3}, {far, 0, true, 0, 3}, {far, 1, true, 0, 3}}).ok());
  EXPECT_EQ(picture.At(20, 15), kGrey);
}

TEST(Annotate, PutsStampsOnTopInsideThePicture) {
  Picture picture;
  const double points[] = {0, 2, 40, 2};
  const std::vector<uint8_t> alpha{255, 0, 128, 255};
  const Stamp stamp{alpha.data(), 2, 2, 39, -5, 0xFFFFFF, 0x0000FF};
  ASSERT_TRUE(picture.Draw({{points, 2, false, 0xFF0000, 6}}, {stamp}).ok());
  EXPECT_EQ(picture.At(38, 0, 0), 255);
  EXPECT_EQ(picture.At(38, 0, 2), 255);
  EXPECT_EQ(picture.At(39, 0, 0), 0);
  EXPECT_EQ(picture.At(39, 0, 2), 255);
  EXPECT_EQ(picture.At(37, 0, 0), 255);
  EXPECT_EQ(picture.At(37, 0, 2), 0);
}

TEST(Annotate, RefusesWhatCannotBeDrawn) {
  Picture picture;
  const double points[] = {0, std::numeric_limits<double>::quiet_NaN(), 4, 4};
  EXPECT_EQ(picture.Draw({{points, 2, false, 0, 1}}).error().code, ErrorCode::kMisuse);
  EXPECT_EQ(picture.Draw({{points + 2, 1, false, 0, std::nan("")}}).error().code, ErrorCode::kMisuse);
  EXPECT_EQ(picture.Draw({}, {Stamp{nullptr, 0, 3, 0, 0, 0, 0}}).error().code, ErrorCode::kMisuse);
}

}  // namespace
}  // namespace fastsamd
