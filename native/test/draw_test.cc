#include "core/draw.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "core/bitmap.h"
#include "dense_masks.h"

namespace fastsamd {
namespace {

using test::Runs;

constexpr uint8_t kGrey = 100;

/// Segments of one object each, of the masks given.
Segments SegmentsOf(const std::vector<std::vector<bool>>& masks, int width, int height) {
  Segments s;
  s.width = width;
  s.height = height;
  s.offsets.push_back(0);
  for (const std::vector<bool>& mask : masks) {
    const Runs runs = test::RunsOf(mask);
    s.runs.insert(s.runs.end(), runs.begin(), runs.end());
    s.offsets.push_back(static_cast<uint32_t>(s.runs.size()));
    s.boxes.insert(s.boxes.end(), {0, 0, static_cast<float>(width), static_cast<float>(height)});
    s.scores.push_back(0.5F);
    s.classes.push_back(0);
    s.areas.push_back(0);
  }
  return s;
}

std::vector<bool> RandomMask(int width, int height, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<bool> mask(static_cast<size_t>(width * height));
  bool value = false;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (random() % 7 == 0) value = !value;
    mask[i] = value;
  }
  return mask;
}

std::vector<bool> Rectangle(int width, int height, int x0, int y0, int x1, int y1) {
  std::vector<bool> mask(static_cast<size_t>(width * height));
  for (int x = x0; x < x1; ++x) {
    for (int y = y0; y < y1; ++y) mask[static_cast<size_t>(x * height + y)] = true;
  }
  return mask;
}

class Picture {
 public:
  Picture(int width, int height)
      : width_(width), height_(height), pixels_(static_cast<size_t>(width * height * 3), kGrey), rgb_(pixels_.size()) {}

  ImageView view() const {
    ImageView view;
    view.width = width_;
    view.height = height_;
    view.planes[0] = pixels_.data();
    view.strides[0] = width_ * 3;
    return view;
  }
  Status Draw(const Segments& segments, const std::vector<OverlayObject>& objects) {
    return DrawOverlay(view(), segments, objects.data(), objects.size(), rgb_.data());
  }
  uint32_t At(int x, int y) const {
    const uint8_t* p = rgb_.data() + (y * width_ + x) * 3;
    return static_cast<uint32_t>(p[0] << 16 | p[1] << 8 | p[2]);
  }

 private:
  int width_;
  int height_;
  std::vector<uint8_t> pixels_;
  std::vector<uint8_t> rgb_;
};

OverlayObject Object(uint32_t index, uint32_t color) { return {index, color, nullptr, 0, 0}; }

TEST(MaskBitmap, IsTheMask) {
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{63, 5}, std::pair{64, 64}, std::pair{200, 31}}) {
    const std::vector<bool> mask = RandomMask(width, height, static_cast<uint32_t>(width));
    const Segments segments =
        SegmentsOf({std::vector<bool>(mask.size()), mask, std::vector<bool>(mask.size(), true)}, width, height);
    std::vector<uint8_t> bitmap(mask.size(), 7);
    for (size_t object = 0; object < 3; ++object) {
      ASSERT_TRUE(MaskBitmap(segments, object, bitmap.data()).ok());
      for (int x = 0; x < width; ++x) {
        for (int y = 0; y < height; ++y) {
          const bool inside = object == 2 || (object == 1 && mask[static_cast<size_t>(x * height + y)]);
          ASSERT_EQ(bitmap[static_cast<size_t>(y * width + x)], inside ? 255 : 0);
        }
      }
    }
    EXPECT_EQ(MaskBitmap(segments, 3, bitmap.data()).error().code, ErrorCode::kMisuse);
  }
}

TEST(DrawOverlay, FillsInsideAContourOfTwoPixels) {
  // Wider than one window, so that seams would show.
  const Segments segments = SegmentsOf({Rectangle(200, 50, 10, 5, 190, 45)}, 200, 50);
  Picture picture(200, 50);
  ASSERT_TRUE(picture.Draw(segments, {Object(0, 0xff0000)}).ok());
  const uint32_t grey = 0x646464;
  for (int y = 0; y < 50; ++y) {
    for (int x = 0; x < 200; ++x) {
      const bool inside = x >= 10 && x < 190 && y >= 5 && y < 45;
      const bool core = x >= 12 && x < 188 && y >= 7 && y < 43;
      // 100 * 0.55 + 255 * 0.45 = 169.8; 100 * 0.55 = 55.
      ASSERT_EQ(picture.At(x, y), core ? 0xaa3737u : inside ? 0xff0000u : grey) << x << "," << y;
    }
  }
}

TEST(DrawOverlay, ThickensTheContourOfLargeFrames) {
  const Segments segments = SegmentsOf({Rectangle(1440, 1440, 100, 100, 1300, 1300)}, 1440, 1440);
  Picture picture(1440, 1440);
  ASSERT_TRUE(picture.Draw(segments, {Object(0, 0x00ff00)}).ok());
  EXPECT_EQ(picture.At(103, 700), 0x00ff00u);
  EXPECT_NE(picture.At(104, 700), 0x00ff00u);
  EXPECT_EQ(picture.At(99, 700), 0x646464u);
}

TEST(DrawOverlay, TouchesNothingOutsideTheMask) {
  const std::vector<bool> mask = RandomMask(150, 40, 6);
  const Segments segments = SegmentsOf({mask}, 150, 40);
  Picture picture(150, 40);
  ASSERT_TRUE(picture.Draw(segments, {Object(0, 0x0000ff)}).ok());
  for (int x = 0; x < 150; ++x) {
    for (int y = 0; y < 40; ++y) {
      ASSERT_EQ(picture.At(x, y) != 0x646464u, mask[static_cast<size_t>(x * 40 + y)]);
    }
  }
}

TEST(DrawOverlay, StampsLabelsInsideTheFrame) {
  const Segments segments = SegmentsOf({std::vector<bool>(60 * 30)}, 60, 30);
  const std::vector<uint8_t> alpha{0, 255, 0, 255, 0, 255};
  const struct {
    int x, y;
    int left, top;
  } cases[] = {{10, 12, 10, 12}, {59, 29, 57, 28}, {-50, 30000, 0, 28}};
  for (const auto& c : cases) {
    const OverlayObject object{0, 0x204060, alpha.data(), 3, 2, c.x, c.y, 0xffee00};
    Picture picture(60, 30);
    ASSERT_TRUE(picture.Draw(segments, {object}).ok());
    for (int y = 0; y < 30; ++y) {
      for (int x = 0; x < 60; ++x) {
        const int i = x - c.left;
        const int j = y - c.top;
        const bool stamped = i >= 0 && i < 3 && j >= 0 && j < 2;
        const uint32_t stamp = stamped && alpha[static_cast<size_t>(j * 3 + i)] != 0 ? 0xffee00u : 0x204060u;
        ASSERT_EQ(picture.At(x, y), stamped ? stamp : 0x646464u);
      }
    }
  }
}

TEST(DrawOverlay, OutlinesBoxesInsideTheFrame) {
  Segments segments = SegmentsOf({std::vector<bool>(60 * 30)}, 60, 30);
  OverlayObject object = Object(0, 0x0000ff);
  object.box = true;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const struct {
    float x1, y1, x2, y2;
    int left, top, right, bottom;
  } cases[] = {{10.4F, 5.6F, 20.5F, 15, 10, 6, 21, 15},
               {-9, -9, 1e30F, 1e30F, 0, 0, 60, 30},
               {20, 20, 10, 10, 0, 0, 0, 0},
               {nan, nan, nan, nan, 0, 0, 0, 0}};
  for (const auto& c : cases) {
    segments.boxes = {c.x1, c.y1, c.x2, c.y2};
    Picture picture(60, 30);
    ASSERT_TRUE(picture.Draw(segments, {object}).ok());
    for (int y = 0; y < 30; ++y) {
      for (int x = 0; x < 60; ++x) {
        const bool inside = x >= c.left && x < c.right && y >= c.top && y < c.bottom;
        const bool core = x > c.left && x < c.right - 1 && y > c.top && y < c.bottom - 1;
        ASSERT_EQ(picture.At(x, y), inside && !core ? 0x0000ffu : 0x646464u) << x << "," << y;
      }
    }
  }
}

TEST(DrawOverlay, CutsALabelLargerThanTheFrame) {
  const Segments segments = SegmentsOf({std::vector<bool>(12)}, 4, 3);
  const std::vector<uint8_t> alpha(100 * 50, 255);
  Picture picture(4, 3);
  ASSERT_TRUE(picture.Draw(segments, {{0, 0x123456, alpha.data(), 100, 50}}).ok());
  EXPECT_EQ(picture.At(3, 2), 0xffffffu);
}

TEST(DrawOverlay, RefusesWhatDoesNotFit) {
  const Segments segments = SegmentsOf({Rectangle(20, 10, 1, 1, 5, 5)}, 20, 10);
  Picture picture(20, 10);
  Picture other(10, 20);
  const uint8_t alpha = 0;
  EXPECT_FALSE(picture.Draw(segments, {Object(1, 0)}).ok());
  EXPECT_FALSE(other.Draw(segments, {Object(0, 0)}).ok());
  EXPECT_FALSE(picture.Draw(segments, {{0, 0, &alpha, 0, 1}}).ok());
  EXPECT_FALSE(picture.Draw(segments, {{0, 0, &alpha, 1, -1}}).ok());
  Segments broken = segments;
  broken.runs[0].end = 100000;
  EXPECT_FALSE(picture.Draw(broken, {Object(0, 0)}).ok());
}

}  // namespace
}  // namespace fastsamd
