#include "measure/refine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "drawn_part.h"
#include "errors.h"
#include "measure/edge.h"
#include "measure/luma.h"
#include "measure/measure.h"
#include "measure/median.h"

namespace fastsamd {
namespace {

MaskShape MaskOf(const DrawnPicture& picture) {
  auto mask = MeasureMask(picture.mask.data(), picture.mask.size(), picture.side, picture.side, 16);
  EXPECT_TRUE(mask.ok());
  return std::move(mask).value();
}

TEST(LumaPatch, InterpolatesBetweenPixelCentresInEveryFormat) {
  // Two rows of two pixels: a plane, of which the value at a place is known.
  const std::vector<uint8_t> rgba{10, 10, 10, 0, 20, 20, 20, 0, 30, 30, 30, 0, 40, 40, 40, 0};
  const std::vector<uint8_t> y{10, 20, 30, 40};
  for (const bool planar : {false, true}) {
    ImageView view;
    view.format = planar ? PixelFormat::kI420 : PixelFormat::kRgba;
    view.width = view.height = 2;
    view.planes = {planar ? y.data() : rgba.data(), y.data(), y.data()};
    view.strides = {planar ? 2 : 8, 1, 1};
    const LumaPatch luma(view, -5, -5, 9, 9);
    EXPECT_NEAR(luma.At(0.5, 0.5), 10, 1e-4);
    EXPECT_NEAR(luma.At(1.5, 0.5), 20, 1e-4);
    EXPECT_NEAR(luma.At(1, 1), 25, 1e-4);
    EXPECT_NEAR(luma.At(-100, 100), 30, 1e-4) << "the border goes on";
  }
}

TEST(LumaPatch, TellsTheNoiseOfAPicture) {
  Random random(1);
  DrawnPart part;
  part.radius = 30;
  part.x = part.y = 60;
  part.noise = 6;
  part.gradient = 40;
  const DrawnPicture picture = DrawPart(part, 120, random);
  EXPECT_NEAR(LumaPatch(picture.View(), 0, 0, 120, 120).Noise(), 6, 0.6);
  // The picture is grey: as a plane it has the same luma.
  std::vector<uint8_t> plane;
  for (size_t k = 0; k < picture.rgb.size(); k += 3) plane.push_back(picture.rgb[k]);
  ImageView planar;
  planar.format = PixelFormat::kI420;
  planar.width = planar.height = 120;
  planar.planes = {plane.data(), plane.data(), plane.data()};
  planar.strides = {120, 60, 60};
  EXPECT_NEAR(LumaPatch(planar, 0, 0, 120, 120).Noise(), LumaPatch(picture.View(), 0, 0, 120, 120).Noise(), 1e-4);
  part.noise = 0;
  const DrawnPicture clean = DrawPart(part, 120, random);
  EXPECT_EQ(LumaPatch(clean.View(), 0, 0, 120, 120).Noise(), 0.5F);
}

TEST(RoughMedian, IsWithinAPercentOfTheMedian) {
  EXPECT_EQ(RoughMedian().Value(), 0);
  Random random(9);
  for (const double scale : {0.001, 0.3, 5.0, 700.0}) {
    for (const int count : {1, 2, 31, 1000}) {
      RoughMedian rough;
      std::vector<float> values;
      for (int k = 0; k < count; ++k) {
        values.push_back(static_cast<float>(scale * random.Between(0.5, 1.5)));
        rough.Add(values.back());
      }
      std::sort(values.begin(), values.end());
      const float median = values[values.size() / 2];
      // Of few values one that is near, of many the median.
      EXPECT_NEAR(rough.Value(), median, median * (count < 100 ? 0.035 : 0.01)) << scale << " x " << count;
    }
  }
  RoughMedian ends;
  ends.Add(0);
  ends.Add(0);
  ends.Add(1e9F);
  EXPECT_EQ(ends.Value(), 0);
}

TEST(LumaPatch, ConvertsWhatItNeedsAlongALineAndThatWhole) {
  Random random(3);
  constexpr int kWidth = 117;
  constexpr int kHeight = 90;
  for (const auto format : {PixelFormat::kRgb, PixelFormat::kBgr, PixelFormat::kRgba, PixelFormat::kNv12}) {
    const int bytes = format == PixelFormat::kRgba ? 4 : format == PixelFormat::kNv12 ? 1 : 3;
    // No byte lies behind the last pixel.
    std::vector<uint8_t> pixels(static_cast<size_t>(kWidth * kHeight * bytes));
    for (uint8_t& each : pixels) each = static_cast<uint8_t>(random.Between(0, 256));
    ImageView view;
    view.format = format;
    view.width = kWidth;
    view.height = kHeight;
    view.planes = {pixels.data(), pixels.data(), pixels.data()};
    view.strides = {kWidth * bytes, kWidth, kWidth};
    const LumaPatch whole(view, 10, 10, kWidth, kHeight);
    const uint8_t* last = pixels.data() + pixels.size() - bytes;
    const double expected = format == PixelFormat::kNv12  ? *last
                            : format == PixelFormat::kBgr ? 0.299 * last[2] + 0.587 * last[1] + 0.114 * last[0]
                                                          : 0.299 * last[0] + 0.587 * last[1] + 0.114 * last[2];
    EXPECT_NEAR(whole.At(kWidth, kHeight), expected, 0.01);
    for (int round = 0; round < 300; ++round) {
      LumaPatch part;
      part.Open(view, 10, 10, kWidth, kHeight);
      // Beyond the patch, too.
      const double x = random.Between(-10, kWidth + 20);
      const double y = random.Between(-10, kHeight + 20);
      const double dx = random.Between(-0.5, 0.5);
      const double dy = random.Between(-0.5, 0.5);
      constexpr int kCount = 52;
      float along[kCount];
      part.Along(x, y, dx, dy, kCount, along);
      for (int k = 0; k < kCount; ++k) ASSERT_NEAR(along[k], whole.At(x + dx * k, y + dy * k), 0.02);
    }
  }
}

TEST(Refine, FindsTheDiameterAndCentreOfADisc) {
  Random random(2);
  Errors errors;
  for (int place = 0; place < 60; ++place) {
    DrawnPart part;
    part.radius = 40;
    part.x = 60 + random.Next();
    part.y = 60 + random.Next();
    part.contrast = place % 2 == 0 ? 90 : -60;  // brighter and darker than the ground
    part.gradient = 20;
    const DrawnPicture picture = DrawPart(part, 120, random);
    const RefinedShape shape = RefineShape(picture.View(), MaskOf(picture), 4);
    ASSERT_TRUE(shape.refined) << "weak " << shape.weak << " off " << shape.off;
    const double error = shape.measures[Measure::kDiameter] - 80;
    EXPECT_LT(std::abs(error), 0.25);
    errors.Add(error);
    EXPECT_NEAR(shape.measures[Measure::kX], part.x, 0.2);
    EXPECT_NEAR(shape.measures[Measure::kY], part.y, 0.2);
    EXPECT_NEAR(shape.measures[Measure::kCircleDiameter], 80, 0.25);
    EXPECT_NEAR(shape.measures[Measure::kCircularity], 0.998, 0.003);
    EXPECT_GT(shape.uncertainties[Measure::kDiameter], 0);
    EXPECT_LT(shape.uncertainties[Measure::kDiameter], 0.1);
    EXPECT_TRUE(std::isnan(shape.measures[Measure::kOrientation]));
    EXPECT_TRUE(std::isnan(shape.uncertainties[Measure::kWidth])) << "a disc has no straight edges";
  }
  EXPECT_LE(std::abs(errors.Mean()), 0.1);
  EXPECT_LE(errors.Deviation(), 0.07);
}

TEST(Refine, FindsADiscThatIsHardlyBrighterThanItsGround) {
  Random random(8);
  Errors errors;
  for (int place = 0; place < 60; ++place) {
    DrawnPart part;
    part.radius = 20;
    part.x = 35 + random.Next();
    part.y = 35 + random.Next();
    part.contrast = 40;
    part.noise = 5;
    part.blur = place % 2 == 0 ? 0.7 : 1.3;
    const DrawnPicture picture = DrawPart(part, 70, random);
    const RefinedShape shape = RefineShape(picture.View(), MaskOf(picture), 4);
    ASSERT_TRUE(shape.refined) << "weak " << shape.weak << " off " << shape.off;
    errors.Add(shape.measures[Measure::kDiameter] - 40);
  }
  EXPECT_LE(std::abs(errors.Mean()), 0.05);
  EXPECT_LE(errors.Deviation(), 0.09) << "the steepest place alone is off by 0.17";
}

TEST(EdgeFinder, FindsWeakEdgesThatTheirNeighboursConfirmAndNoneWhereThereIsNone) {
  Random random(31);
  constexpr int kSide = 100;
  constexpr double kPi = 3.14159265358979323846;
  constexpr int kRounds = 30;
  /// Half of the sector without an edge.
  constexpr double kHole = 0.3;
  DrawnPart part;
  part.radius = 30;
  part.contrast = 40;
  part.noise = 5;
  part.blur = 1.5;
  part.x = part.y = kSide / 2.0;
  double weak = 0;
  double lost = 0;
  for (int round = 0; round < kRounds; ++round) {
    DrawnPicture picture = DrawPart(part, kSide, random);
    // Towards the right the disc goes over into the ground: the noise is that of the ground, from elsewhere.
    for (int y = 0; y < kSide; ++y) {
      for (int x = kSide / 2; x < kSide; ++x) {
        if (std::abs(std::atan2(y + 0.5 - part.y, x + 0.5 - part.x)) > kHole) continue;
        for (int c = 0; c < 3; ++c) {
          const int from = 3 * (y / 6 * kSide + (x * 7 + y) % kSide) + c;
          picture.rgb[static_cast<size_t>(3 * (y * kSide + x) + c)] = picture.rgb[static_cast<size_t>(from)];
        }
      }
    }
    const MaskShape mask = MaskOf(picture);
    LumaPatch luma;
    luma.Open(picture.View(), 0, 0, kSide, kSide);
    EdgeFinder finder;
    const RefinedContour contour = finder.Find(luma, luma.Noise(), mask.outlines.front(), 4);
    ASSERT_TRUE(contour.accepted());
    const auto count = static_cast<double>(mask.outlines.front().size());
    weak += contour.weak / kRounds;
    lost += (1 - static_cast<double>(contour.found.size()) / count) / kRounds;
    for (const Point& p : contour.found) {
      const double angle = std::atan2(p.y - part.y, p.x - part.x);
      EXPECT_GT(std::abs(angle), kHole / 2);
    }
  }
  EXPECT_GT(weak, kHole / kPi + 0.01) << "elsewhere some look weak, too";
  EXPECT_NEAR(lost, kHole / kPi, 0.006);
}

TEST(Refine, PlacesAnEdgeThatTheEndOfTheScaleCutsOff) {
  // The disc would be 270 or -5, and is shown as 255 or 0: the middle of what is shown is not the edge.
  Random random(9);
  for (int place = 0; place < 20; ++place) {
    DrawnPart part;
    part.radius = 30;
    part.x = 45 + random.Next();
    part.y = 45 + random.Next();
    part.contrast = place % 2 == 0 ? 200 : -75;
    part.noise = 2;
    const DrawnPicture picture = DrawPart(part, 90, random);
    const RefinedShape shape = RefineShape(picture.View(), MaskOf(picture), 4);
    ASSERT_TRUE(shape.refined);
    EXPECT_NEAR(shape.measures[Measure::kDiameter], 60, 0.13) << part.contrast;
  }
}

TEST(Refine, FindsWidthLengthAndAngleOfARectangle) {
  Random random(3);
  for (int place = 0; place < 40; ++place) {
    DrawnPart part;
    part.shape = DrawnPart::Shape::kRectangle;
    part.length = 100.4;
    part.width = 40.7;
    part.degrees = random.Between(-90, 90);
    part.x = 66 + random.Next();
    part.y = 66 + random.Next();
    const DrawnPicture picture = DrawPart(part, 132, random);
    const RefinedShape shape = RefineShape(picture.View(), MaskOf(picture), 4);
    ASSERT_TRUE(shape.refined);
    EXPECT_NEAR(shape.measures[Measure::kWidth], 40.7, 0.2) << part.degrees;
    EXPECT_NEAR(shape.measures[Measure::kLength], 100.4, 0.25) << part.degrees;
    EXPECT_LT(shape.uncertainties[Measure::kWidth], 0.1);
    EXPECT_NEAR(std::remainder(shape.measures[Measure::kOrientation] - part.degrees, 180), 0, 0.3);
  }
}

TEST(Refine, RefusesAnEdgeThatThePictureDoesNotShow) {
  Random random(4);
  DrawnPart part;
  part.radius = 30;
  part.x = part.y = 50;
  part.contrast = 0;
  part.noise = 5;
  const DrawnPicture picture = DrawPart(part, 100, random);
  const MaskShape mask = MaskOf(picture);
  const RefinedShape shape = RefineShape(picture.View(), mask, 4);
  EXPECT_FALSE(shape.refined);
  EXPECT_GT(shape.weak, 0.2);
  EXPECT_EQ(shape.measures[Measure::kDiameter], mask.measures[Measure::kDiameter]) << "what the mask says stays";
  EXPECT_TRUE(std::isnan(shape.uncertainties[Measure::kDiameter]));
}

TEST(Refine, RefusesAnEdgeAtTheEndOfTheSearch) {
  // A ground that only brightens: everywhere steepest as far from the mask as one looks.
  Random random(5);
  DrawnPart part;
  part.radius = 30;
  part.x = part.y = 50;
  DrawnPicture picture = DrawPart(part, 100, random);
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 100; ++x) {
      const double r = std::hypot(x + 0.5 - 50, y + 0.5 - 50);
      const auto grey = static_cast<uint8_t>(std::min(255.0, std::pow(std::max(0.0, r - 20), 3) / 20));
      for (int c = 0; c < 3; ++c) picture.rgb[static_cast<size_t>(3 * (100 * y + x) + c)] = grey;
    }
  }
  const RefinedShape shape = RefineShape(picture.View(), MaskOf(picture), 3);
  EXPECT_FALSE(shape.refined);
  EXPECT_GT(shape.off, 0.2);
}

TEST(Refine, MeasuresAHoleInThePicture) {
  Random random(6);
  DrawnPart part;
  part.radius = 40;
  part.x = part.y = 60.25;
  part.noise = 0;
  DrawnPicture picture = DrawPart(part, 120, random);
  // The hole: a second disc of the ground, from a picture of it.
  DrawnPart bore = part;
  bore.radius = 15;
  const DrawnPicture hole = DrawPart(bore, 120, random);
  for (size_t k = 0; k < picture.rgb.size(); ++k) {
    picture.rgb[k] = static_cast<uint8_t>(std::max(0, picture.rgb[k] - (hole.rgb[k] - 70)));
  }
  std::vector<fastsamd::Run> cut;
  for (uint32_t x = 0; x < 120; ++x) {
    for (uint32_t y = 0; y < 120; ++y) {
      const double r = std::hypot(x - 59.25, y - 60.25);  // half a pixel beside the truth
      if (r >= 40 || r < 15) continue;
      const uint32_t pixel = x * 120 + y;
      if (!cut.empty() && cut.back().end == pixel) {
        cut.back().end = pixel + 1;
      } else {
        cut.push_back({pixel, pixel + 1});
      }
    }
  }
  picture.mask = cut;
  const RefinedShape shape = RefineShape(picture.View(), MaskOf(picture), 4);
  ASSERT_TRUE(shape.refined);
  EXPECT_EQ(shape.measures[Measure::kHoles], 1);
  EXPECT_NEAR(std::sqrt(shape.measures[Measure::kHoleArea] / M_PI), 15, 0.1);
  EXPECT_NEAR(shape.measures[Measure::kArea], M_PI * (1600 - 225), 0.01 * M_PI * 1375);
  EXPECT_NEAR(shape.measures[Measure::kX], 60.25, 0.1);
}

TEST(Refine, SurvivesMasksOfAnyShapeAndSize) {
  Random random(7);
  std::vector<uint8_t> rgb(3 * 24 * 24);
  for (uint8_t& value : rgb) value = static_cast<uint8_t>(random.Below(256));
  for (int round = 0; round < 300; ++round) {
    const int width = 1 + random.Below(24);
    const int height = 1 + random.Below(24);
    ImageView view;
    view.width = width;
    view.height = height;
    view.planes[0] = rgb.data();
    view.strides[0] = 3 * 24;
    std::vector<fastsamd::Run> runs;
    uint32_t at = 0;
    const auto pixels = static_cast<uint32_t>(width * height);
    while (true) {
      const uint32_t start = at + static_cast<uint32_t>(random.Below(9)) + (runs.empty() ? 0 : 1);
      const uint32_t end = start + 1 + static_cast<uint32_t>(random.Below(9));
      if (end > pixels) break;
      runs.push_back({start, end});
      at = end;
    }
    const auto mask = MeasureMask(runs.data(), runs.size(), width, height, 1);
    ASSERT_TRUE(mask.ok());
    const RefinedShape shape = RefineShape(view, mask.value(), random.Between(3, 12));
    EXPECT_EQ(std::isfinite(shape.measures[Measure::kPerimeter]), !runs.empty());
  }
}

}  // namespace
}  // namespace fastsamd
