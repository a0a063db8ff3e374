// The kernels, run element by element on the host, against native/core. What the GPU adds is the order of the elements.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/candidates.h"
#include "core/letterbox.h"
#include "cuda/masks.h"
#include "expect_segments.h"
#include "image_oracle.h"
#include "scene.h"
#include "standin/host_kernels.h"

namespace fastsamd::cuda {
namespace {

using test::ExpectEqual;
using test::RandomImage;
using test::Scene;

struct Case {
  int width, height, input_width, input_height;
};

/// Down, up, halved (a path of its own in native/core), even, odd, wide, tall, one pixel thin.
constexpr Case kCases[] = {{128, 96, 64, 64},   {640, 480, 320, 320}, {641, 361, 320, 192}, {33, 17, 96, 64},
                           {37, 211, 160, 160}, {64, 64, 64, 64},     {1, 1, 32, 32},       {3, 200, 64, 96},
                           {777, 5, 320, 320},  {320, 180, 640, 384}};

std::vector<float> Oracle(const ImageView& view, const Geometry& geometry) {
  std::vector<float> out(3 * static_cast<size_t>(geometry.input_width) * static_cast<size_t>(geometry.input_height));
  EXPECT_TRUE(Letterbox(view, geometry, out.data(), out.size()).ok());
  return out;
}

LetterboxInput InputOf(const ImageView& view, const Geometry& g, const std::vector<Tap>& columns,
                       const std::vector<Tap>& rows) {
  return {{view.planes[0], view.planes[1], view.planes[2]},
          {view.strides[0], view.strides[1], view.strides[2]},
          MakeYuvMatrix(view.matrix, view.range),
          columns.data(),
          rows.data(),
          g.input_width,
          g.input_height,
          g.content_width,
          g.content_height,
          g.left,
          g.top};
}

TEST(LetterboxKernel, EqualsTheCoreInEveryFormatAndSize) {
  uint32_t seed = 1;
  for (const PixelFormat format : test::kFormats) {
    for (const Case& c : kCases) {
      for (const ColorRange range : {ColorRange::kLimited, ColorRange::kFull}) {
        RandomImage image(format, c.width, c.height, static_cast<int>(seed % 5), seed);
        image.view.range = range;
        image.view.matrix = static_cast<ColorMatrix>(seed % 3);
        ++seed;
        const Geometry g = MakeGeometry(c.width, c.height, c.input_width, c.input_height).value();
        const std::vector<float> expected = Oracle(image.view, g);
        const auto columns = MakeTaps(g.frame_width, g.content_width);
        const auto rows = MakeTaps(g.frame_height, g.content_height);
        const LetterboxInput input = InputOf(image.view, g, columns, rows);
        std::vector<float> floats(expected.size(), -1.0F);
        standin::Letterbox(format, input, floats.data());
        ASSERT_EQ(floats, expected) << c.width << "x" << c.height << " format " << static_cast<int>(format);
        std::vector<Half> halves(expected.size(), Half{0xffff});
        standin::Letterbox(format, input, halves.data());
        for (size_t i = 0; i < halves.size(); ++i) ASSERT_EQ(halves[i].bits, ToHalf(expected[i]).bits);
      }
    }
  }
}

TEST(Half, RoundsEveryValueThereAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Half half{static_cast<uint16_t>(bits)};
    const float value = ToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(ToFloat(ToHalf(value))));
    } else {
      ASSERT_EQ(ToHalf(value).bits, bits);
    }
  }
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  // Between every two neighbours: just below the middle, the middle, just above it.
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    const float low = ToFloat(Half{bits});
    const float middle = low + (ToFloat(Half{static_cast<uint16_t>(bits + 1)}) - low) / 2.0F;
    ASSERT_EQ(ToHalf(std::nextafter(middle, 0.0F)).bits, bits);
    ASSERT_EQ(ToHalf(middle).bits, bits + (bits & 1));
    ASSERT_EQ(ToHalf(std::nextafter(middle, 1e9F)).bits, bits + 1);
    ASSERT_EQ(ToHalf(-middle).bits, 0x8000 | (bits + (bits & 1)));
  }
  EXPECT_EQ(ToHalf(65519.9F).bits, 0x7bff);
  EXPECT_EQ(ToHalf(65520.0F).bits, 0x7c00);
  EXPECT_EQ(ToHalf(std::numeric_limits<float>::infinity()).bits, 0x7c00);
}

/// Decoding as the engine does it: selection, masks from logits in batches of `capacity` floats.
template <typename T>
Segments DecodeByKernels(const std::vector<T>& detections, const std::vector<T>& proto, const Scene& scene,
                         const DecodeOptions& options, const LogitCapacity& capacity) {
  uint32_t count = 0;
  std::vector<SelectedAnchor> selected(static_cast<size_t>(scene.anchors) + options.carry.size());
  standin::Select(detections.data(), scene.anchors, scene.classes, options.conf, {&count, selected.data()});
  auto objects = FindObjects(CandidatesOf(selected.data(), count), scene.geometry, options);
  Segments segments = NoSegments(scene.geometry);
  if (options.coefficients) AppendCoefficients(objects, selected.data(), segments.coefficients);
  AppendCarried(options.carry, scene.geometry, selected.data(), count, objects);
  std::vector<float> logits(capacity.logits);
  LogitRunWriter runs(scene.geometry);
  for (size_t done = 0; done < objects.size();) {
    const LogitBatch batch = NextBatch(objects, done, runs, selected.data(), capacity);
    standin::MaskLogits(proto.data(), scene.geometry.input_width / 4, scene.geometry.input_height / 4,
                        batch.requests.data(), static_cast<int>(batch.requests.size()), logits.data());
    AppendBatch(objects, batch, logits.data(), runs, segments);
    done = batch.end;
  }
  TakeCarried(options.carry, scene.geometry, segments);
  return segments;
}

size_t ProtoCells(const Geometry& g) {
  return static_cast<size_t>(g.input_width / 4) * static_cast<size_t>(g.input_height / 4);
}

TEST(DecodeKernels, EqualTheCore) {
  for (const Case& c : {Case{640, 480, 320, 320}, Case{641, 361, 320, 192}, Case{100, 300, 160, 160}}) {
    const Geometry g = MakeGeometry(c.width, c.height, c.input_width, c.input_height).value();
    for (uint32_t seed = 1; seed <= 3; ++seed) {
      for (const Scene& scene :
           {test::BlobScene(g, 30, 0.05, seed), test::NoiseScene(g, 1, 20, seed), test::NoiseScene(g, 80, 20, seed)}) {
        DecodeOptions options;
        options.conf = 0.3F;
        const Segments expected = Decode(scene.outputs(), g, options).value();
        EXPECT_GT(expected.count(), 0U);
        // All at once, and in the smallest batches there are.
        for (const LogitCapacity& capacity :
             {LogitCapacity{40 * ProtoCells(g), 1000}, LogitCapacity{ProtoCells(g), 1000},
              LogitCapacity{40 * ProtoCells(g), 1}}) {
          ExpectEqual(DecodeByKernels(scene.detections, scene.proto, scene, options, capacity), expected);
        }
      }
    }
  }
}

TEST(DecodeKernels, HandOutAndCarryCoefficientsLikeTheCore) {
  const Geometry g = MakeGeometry(641, 361, 320, 192).value();
  const Scene scene = test::BlobScene(g, 30, 0.05, 4);
  DecodeOptions options;
  options.conf = 0.3F;
  options.coefficients = true;
  const Segments first = Decode(scene.outputs(), g, options).value();
  ASSERT_EQ(first.coefficients.size(), first.count() * kCoefficients);
  for (uint32_t i = 0; i < first.count(); ++i) {
    CarryRequest request;
    request.id = i + 1;
    std::copy_n(first.boxes.begin() + 4 * i, 4, request.box.begin());
    std::copy_n(first.coefficients.begin() + static_cast<ptrdiff_t>(kCoefficients * i), kCoefficients,
                request.coefficients.begin());
    options.carry.push_back(request);
  }
  options.carry.push_back({99, {-50, -50, -10, -10}, {}});
  const Segments expected = Decode(scene.outputs(), g, options).value();
  EXPECT_EQ(expected.carried.ids.size(), first.count() + 1);
  for (const LogitCapacity& capacity : {LogitCapacity{40 * ProtoCells(g), 1000}, LogitCapacity{ProtoCells(g), 1}}) {
    ExpectEqual(DecodeByKernels(scene.detections, scene.proto, scene, options, capacity), expected);
  }
}

TEST(DecodeKernels, EqualTheCoreOnHalfPrecisionTensors) {
  const Geometry g = MakeGeometry(640, 480, 320, 320).value();
  Scene scene = test::BlobScene(g, 30, 0.05, 7);
  const auto to_half = [](std::vector<float>& floats) {
    std::vector<Half> halves;
    for (float& value : floats) {
      halves.push_back(ToHalf(value));
      value = ToFloat(halves.back());
    }
    return halves;
  };
  const std::vector<Half> detections = to_half(scene.detections);
  const std::vector<Half> proto = to_half(scene.proto);
  const DecodeOptions options;
  const Segments expected = Decode(scene.outputs(), g, options).value();
  EXPECT_GT(expected.count(), 0U);
  ExpectEqual(DecodeByKernels(detections, proto, scene, options, {4 * ProtoCells(g), 1000}), expected);
}

TEST(DecodeKernels, RefuseWhatTheCoreRefuses) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const Geometry g = MakeGeometry(64, 64, 64, 64).value();
  Scene scene = test::EmptyScene(g, 2);
  int anchor = 0;
  for (const float bad : {nan, inf, -inf, -5.0F}) {
    for (int row = 0; row < 6; ++row) {
      const float good[6] = {20, 30, 10, 20, 0.6F, 0.5F};
      for (int k = 0; k < 6; ++k) scene.At(k, anchor) = k == row ? bad : good[k];
      ++anchor;
    }
  }
  const auto expected = SelectCandidates(scene.outputs(), 0.4F);
  uint32_t count = 0;
  std::vector<SelectedAnchor> selected(static_cast<size_t>(scene.anchors));
  standin::Select(scene.detections.data(), scene.anchors, 2, 0.4F, {&count, selected.data()});
  const auto got = CandidatesOf(selected.data(), count);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(selected[static_cast<size_t>(got[i].anchor)].anchor, expected[i].anchor);
    EXPECT_EQ(got[i].class_index, expected[i].class_index);
    EXPECT_EQ(got[i].score, expected[i].score);
  }
}

}  // namespace
}  // namespace fastsamd::cuda
