#include "core/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <random>

#include "dense_masks.h"
#include "scene.h"

namespace fastsamd {
namespace {

using test::Scene;

Segments DecodeOk(const Scene& scene, const DecodeOptions& options) {
  Result<Segments> result = Decode(scene.outputs(), scene.geometry, options);
  EXPECT_TRUE(result.ok()) << result.error().message;
  Segments segments = std::move(result).value();
  const Status valid = Validate(segments);
  EXPECT_TRUE(valid.ok()) << valid.error().message;
  return segments;
}

void Place(Scene& scene, int anchor, const std::array<float, 4>& box, float score, float logit) {
  for (int row = 0; row < 4; ++row) scene.At(row, anchor) = box[static_cast<size_t>(row)];
  scene.At(4, anchor) = score;
  scene.At(4 + scene.classes, anchor) = logit;
}

/// Channel 0 of the proto is 1 everywhere, so that the first coefficient is the logit.
Scene FlatScene(const Geometry& geometry, int classes) {
  Scene scene = test::EmptyScene(geometry, classes);
  std::fill(scene.proto.begin(), scene.proto.begin() + geometry.input_width / 4 * (geometry.input_height / 4), 1.0F);
  return scene;
}

TEST(Decode, OfAnEmptySceneIsEmpty) {
  const Segments segments = DecodeOk(FlatScene(MakeGeometry(1280, 720, 640, 640).value(), 1), {});
  EXPECT_EQ(segments.count(), 0u);
  EXPECT_EQ(segments.width, 1280);
  EXPECT_EQ(segments.height, 720);
  EXPECT_TRUE(segments.runs.empty());
}

TEST(Decode, BringsBoxesAndMasksToTheFrame) {
  Scene scene = FlatScene(MakeGeometry(1280, 720, 640, 640).value(), 1);
  Place(scene, 0, {100, 300, 40.25F, 20}, 0.5F, 1.0F);
  Place(scene, 1, {400, 300, 40, 20}, 0.9F, -1.0F);
  const Segments segments = DecodeOk(scene, {});
  ASSERT_EQ(segments.count(), 2u);
  EXPECT_EQ(segments.scores, (std::vector<float>{0.9F, 0.5F}));
  EXPECT_EQ(segments.boxes, (std::vector<float>{760, 300, 840, 340, 159.75F, 300, 240.25F, 340}));
  // An object without a mask stays; the other covers the columns 160..240.
  EXPECT_EQ(segments.areas, (std::vector<uint32_t>{0, 81 * 40}));
  EXPECT_EQ(segments.offsets, (std::vector<uint32_t>{0, 0, 81}));
  EXPECT_EQ(segments.runs[0].start, 160u * 720 + 300);
  EXPECT_EQ(segments.runs[80].end, 240u * 720 + 340);
}

TEST(Decode, ClipsBoxesToTheFrame) {
  Scene scene = FlatScene(MakeGeometry(1280, 720, 640, 640).value(), 1);
  DecodeOptions options;
  options.snap_to_border = 0;
  Place(scene, 0, {320, 320, 2000, 1000}, 0.9F, 1.0F);
  Place(scene, 1, {320, 50, 100, 50}, 0.8F, 1.0F);  // In the padding above the content.
  Place(scene, 2, {1e30F, 1e30F, 10, 10}, 0.7F, 1.0F);
  Place(scene, 3, {100, 300, 0, 0}, 0.6F, 1.0F);
  const Segments segments = DecodeOk(scene, options);
  ASSERT_EQ(segments.count(), 4u);
  EXPECT_EQ(segments.areas, (std::vector<uint32_t>{1280 * 720, 0, 0, 0}));
  EXPECT_EQ(segments.boxes[3], 720.0F);
  EXPECT_EQ(segments.boxes[4 + 3], 0.0F);
  EXPECT_EQ(segments.boxes[8], 1280.0F);
}

TEST(Decode, SnapsBeforeItDecodesMasks) {
  Scene scene = FlatScene(MakeGeometry(1280, 720, 640, 640).value(), 1);
  Place(scene, 0, {57.5F, 197.5F, 100, 100}, 0.9F, 1.0F);  // From 7.5, 147.5 to 107.5, 247.5.
  const Segments snapped = DecodeOk(scene, {});
  EXPECT_EQ(snapped.boxes, (std::vector<float>{0, 0, 215, 215}));
  EXPECT_EQ(snapped.areas[0], 215u * 215u);
  DecodeOptions options;
  options.snap_to_border = 0;
  EXPECT_EQ(DecodeOk(scene, options).boxes, (std::vector<float>{15, 15, 215, 215}));
}

TEST(Decode, AgreesWithTheDenseComputation) {
  for (const int classes : {1, 80}) {
    const Geometry g = MakeGeometry(301, 167, 160, 128).value();
    Scene scene = test::NoiseScene(g, classes, 60, 11);
    DecodeOptions options;
    options.conf = 0.3F;
    const Segments segments = DecodeOk(scene, options);
    ASSERT_GT(segments.count(), 10u);
    const auto& scores = segments.scores;
    EXPECT_TRUE(std::is_sorted(scores.begin(), scores.end(), std::greater<>()));
    for (size_t i = 0; i < segments.count(); ++i) {
      // Scores are random, so that they identify the anchor.
      int anchor = 0;
      while (scene.At(4 + segments.classes[i], anchor) != scores[i]) ++anchor;
      std::array<float, kMaskChannels> coefficients{};
      for (int k = 0; k < kMaskChannels; ++k) {
        coefficients[static_cast<size_t>(k)] = scene.At(4 + classes + k, anchor);
      }
      const auto dense = test::DenseMask(scene.proto.data(), g, coefficients.data(), segments.boxes.data() + 4 * i);
      const auto* runs = segments.runs.data() + segments.offsets[i];
      ASSERT_TRUE(test::BitmapOf(runs, segments.offsets[i + 1] - segments.offsets[i], dense.size()) == dense);
      ASSERT_EQ(segments.areas[i], static_cast<uint32_t>(std::count(dense.begin(), dense.end(), true)));
    }
  }
}

TEST(Decode, CarriesAMaskByItsCoefficients) {
  const Scene scene = test::BlobScene(MakeGeometry(640, 360, 320, 192).value(), 8, 0.05, 3);
  DecodeOptions options;
  options.coefficients = true;
  const Segments first = DecodeOk(scene, options);
  ASSERT_GT(first.count(), 0u);
  for (uint32_t i = 0; i < first.count(); ++i) {
    CarryRequest request;
    request.id = 10 + i;
    std::copy_n(first.boxes.begin() + 4 * i, 4, request.box.begin());
    std::copy_n(first.coefficients.begin() + static_cast<ptrdiff_t>(kCoefficients * i), kCoefficients,
                request.coefficients.begin());
    options.carry.push_back(request);
  }
  const Segments carried = DecodeOk(scene, options);
  EXPECT_EQ(carried.areas, first.areas) << "the objects themselves are as without carrying";
  ASSERT_EQ(carried.carried.ids.size(), first.count());
  for (size_t i = 0; i < first.count(); ++i) {
    uint32_t area = 0;
    for (uint32_t k = carried.carried.offsets[i]; k < carried.carried.offsets[i + 1]; ++k) {
      area += carried.carried.runs[k].end - carried.carried.runs[k].start;
    }
    // The largest part of the object's own mask.
    EXPECT_LE(area, first.areas[i]);
    EXPECT_GE(2 * area, first.areas[i]);
  }
  options.carry.resize(kMaxCarried + 1);
  EXPECT_FALSE(Decode(scene.outputs(), scene.geometry, options).ok());
}

TEST(Decode, WithoutCoefficientsHandsOutNone) {
  const Scene scene = test::BlobScene(MakeGeometry(640, 360, 320, 192).value(), 8, 0.05, 3);
  const Segments segments = DecodeOk(scene, {});
  EXPECT_TRUE(segments.coefficients.empty());
  EXPECT_TRUE(segments.carried.ids.empty());
}

TEST(Decode, StopsAtMaxDet) {
  const Scene scene = test::NoiseScene(MakeGeometry(160, 90, 160, 96).value(), 1, 80, 2);
  DecodeOptions options;
  options.conf = 0.0F;
  const Segments all = DecodeOk(scene, options);
  ASSERT_GT(all.count(), 20u);
  for (const int limit : {0, 1, 20}) {
    options.max_det = limit;
    const Segments some = DecodeOk(scene, options);
    ASSERT_EQ(some.count(), static_cast<size_t>(limit));
    EXPECT_TRUE(std::equal(some.areas.begin(), some.areas.end(), all.areas.begin()));
  }
}

TEST(Decode, SurvivesAnyFloats) {
  const Geometry g = MakeGeometry(99, 45, 96, 64).value();
  const float odd[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max(),
                       std::numeric_limits<float>::lowest(),    -0.0F};
  std::mt19937 random(8);
  for (int round = 0; round < 60; ++round) {
    Scene scene = test::NoiseScene(g, 1 + round % 3, 40, static_cast<uint32_t>(round));
    for (int i = 0; i < 300; ++i) scene.detections[random() % scene.detections.size()] = odd[random() % 6];
    for (int i = 0; i < 300; ++i) scene.proto[random() % scene.proto.size()] = odd[random() % 6];
    for (const float score : DecodeOk(scene, {}).scores) ASSERT_GT(score, 0.4F);
  }
}

TEST(Decode, RefusesOutputsOfAnotherModel) {
  const Scene scene = FlatScene(MakeGeometry(64, 64, 64, 64).value(), 1);
  for (const int anchors : {0, -1, 83, 85, 8400}) {
    RawOutputs outputs = scene.outputs();
    outputs.anchors = anchors;
    EXPECT_EQ(Decode(outputs, scene.geometry, {}).error().code, ErrorCode::kModelUnsupported);
  }
  RawOutputs outputs = scene.outputs();
  outputs.classes = 0;
  EXPECT_EQ(Decode(outputs, scene.geometry, {}).error().code, ErrorCode::kModelUnsupported);
  outputs = scene.outputs();
  outputs.proto = nullptr;
  EXPECT_EQ(Decode(outputs, scene.geometry, {}).error().code, ErrorCode::kMisuse);
}

TEST(Decode, RefusesOptionsAndGeometryThatMakeNoSense) {
  const Scene scene = FlatScene(MakeGeometry(64, 64, 64, 64).value(), 1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const DecodeOptions& options :
       {DecodeOptions{nan, 0.9F, 300, 20}, DecodeOptions{0.4F, nan, 300, 20}, DecodeOptions{0.4F, 0.9F, -1, 20},
        DecodeOptions{0.4F, 0.9F, 300, -1}, DecodeOptions{0.4F, 0.9F, 300, nan}}) {
    EXPECT_EQ(Decode(scene.outputs(), scene.geometry, options).error().code, ErrorCode::kMisuse);
  }
  Geometry geometry = scene.geometry;
  geometry.content_width = 0;
  EXPECT_EQ(Decode(scene.outputs(), geometry, {}).error().code, ErrorCode::kMisuse);
}

}  // namespace
}  // namespace fastsamd
