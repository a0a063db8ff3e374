#include "core/crops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/color.h"
#include "image_oracle.h"

namespace fastsamd {
namespace {

using test::RandomImage;

struct Picture {
  int width;
  int height;
  std::vector<double> values;  // [3, height, width], 0..255

  double At(int channel, int y, int x) const { return values[static_cast<size_t>((channel * height + y) * width + x)]; }
};

double Filter(ResampleFilter filter, double t) {
  t = std::fabs(t);
  if (filter == ResampleFilter::kBilinear) return std::max(0.0, 1.0 - t);
  // Keys (1981), a = -1/2.
  if (t <= 1) return 1.5 * t * t * t - 2.5 * t * t + 1;
  if (t < 2) return -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2;
  return 0;
}

/// Separable resize by the definition, in double precision, over all source samples, rounded to 8 bit. Weights are
/// samples of the filter, divided by their sum.
Picture ResizeAxis(const Picture& in, ResampleFilter filter, bool along_x, int size) {
  Picture out{along_x ? size : in.width, along_x ? in.height : size, {}};
  const int length = along_x ? in.width : in.height;
  const double scale = double(length) / size;
  const double widening = std::max(1.0, scale);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x) {
        const double centre = ((along_x ? x : y) + 0.5) * scale;
        double sum = 0;
        double total = 0;
        for (int k = 0; k < length; ++k) {
          const double weight = Filter(filter, (k + 0.5 - centre) / widening);
          sum += weight * (along_x ? in.At(c, y, k) : in.At(c, k, x));
          total += weight;
        }
        out.values.push_back(std::clamp(std::floor(sum / total + 0.5), 0.0, 255.0));
      }
    }
  }
  return out;
}

/// crops.h by the definition, one pixel at a time.
std::vector<float> Oracle(const ImageView& image, const Segments& segments, uint32_t index,
                          const CropOptions& options) {
  std::vector<uint8_t> rgb(static_cast<size_t>(image.width * image.height * 3));
  EXPECT_TRUE(ToRgb(image, rgb.data()).ok());
  std::set<uint32_t> mask;
  for (uint32_t r = segments.offsets[index]; r < segments.offsets[index + 1]; ++r) {
    for (uint32_t p = segments.runs[r].start; p < segments.runs[r].end; ++p) mask.insert(p);
  }
  const float* box = segments.boxes.data() + 4 * index;
  const int x0 = std::max(0, int(std::floor(box[0])));
  const int y0 = std::max(0, int(std::floor(box[1])));
  const int x1 = std::min(image.width, int(std::ceil(box[2])));
  const int y1 = std::min(image.height, int(std::ceil(box[3])));
  Picture crop{x1 - x0, y1 - y0, {}};
  for (int c = 0; c < 3; ++c) {
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) {
        const bool inside = mask.count(static_cast<uint32_t>(x * image.height + y)) > 0;
        const bool taken = inside || options.keep_background;
        crop.values.push_back(taken ? rgb[static_cast<size_t>((y * image.width + x) * 3 + c)]
                                    : options.fill[static_cast<size_t>(c)]);
      }
    }
  }
  const int longer = std::max(crop.width, crop.height);
  const int width = std::max(1, int(std::round(double(crop.width) * options.size / longer)));
  const int height = std::max(1, int(std::round(double(crop.height) * options.size / longer)));
  const Picture resized = ResizeAxis(ResizeAxis(crop, options.filter, true, width), options.filter, false, height);
  const int left = (options.size - width) / 2;
  const int top = (options.size - height) / 2;
  std::vector<float> out;
  for (int c = 0; c < 3; ++c) {
    const auto channel = static_cast<size_t>(c);
    for (int y = 0; y < options.size; ++y) {
      for (int x = 0; x < options.size; ++x) {
        const bool content = x >= left && x < left + width && y >= top && y < top + height;
        const double value = content ? resized.At(c, y - top, x - left) : options.fill[channel];
        out.push_back(static_cast<float>((value / 255.0 - options.mean[channel]) / options.deviation[channel]));
      }
    }
  }
  return out;
}

CropOptions ClipOptions(int size, ResampleFilter filter, bool keep) {
  CropOptions options;
  options.size = size;
  options.filter = filter;
  options.keep_background = keep;
  options.fill = {123, 117, 104};
  options.mean = {0.48145466F, 0.4578275F, 0.40821073F};
  options.deviation = {0.26862954F, 0.26130258F, 0.27577711F};
  return options;
}

/// Objects with every other pixel of their box, and none where `empty`.
Segments SegmentsOf(int width, int height, const std::vector<std::array<float, 4>>& boxes, bool empty = false) {
  Segments segments;
  segments.width = width;
  segments.height = height;
  segments.offsets.push_back(0);
  for (const auto& box : boxes) {
    segments.boxes.insert(segments.boxes.end(), box.begin(), box.end());
    segments.scores.push_back(0.5F);
    segments.classes.push_back(0);
    uint32_t area = 0;
    for (int x = 0; x < width && !empty; ++x) {
      for (int y = x % 3; y < height; y += 3) {
        const auto pixel = static_cast<uint32_t>(x * height + y);
        const bool in_box = x + 1 > box[0] && x < box[2] && y + 1 > box[1] && y < box[3];
        if (!in_box || (!segments.runs.empty() && segments.offsets.back() < segments.runs.size() &&
                        segments.runs.back().end >= pixel)) {
          continue;
        }
        segments.runs.push_back({pixel, pixel + 1});
        ++area;
      }
    }
    segments.areas.push_back(area);
    segments.offsets.push_back(static_cast<uint32_t>(segments.runs.size()));
  }
  return segments;
}

/// Largest difference on the scale of 8 bit samples.
double Distance(const std::vector<float>& a, const std::vector<float>& b, const CropOptions& options) {
  double worst = 0;
  const size_t plane = a.size() / 3;
  for (size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::fabs(double(a[i]) - b[i]) * options.deviation[i / plane] * 255.0);
  }
  return worst;
}

TEST(Crops, MatchTheDefinitionInEveryFormat) {
  const int width = 61;
  const int height = 47;
  // Inside, at each edge, the whole frame, fractions, a line, one pixel, beyond the frame.
  const std::vector<std::array<float, 4>> boxes = {{10, 8, 40, 30},       {0, 0, 13, 47},          {50.5F, 3.2F, 61, 9},
                                                   {0, 0, 61, 47},        {7.9F, 11.1F, 9.2F, 44}, {33, 21, 34, 22},
                                                   {3, 46.5F, 60.2F, 47}, {55, 40, 80, 90}};
  uint32_t seed = 0;
  for (const PixelFormat format : test::kFormats) {
    const RandomImage image(format, width, height, 5, ++seed);
    for (const ResampleFilter filter : {ResampleFilter::kBicubic, ResampleFilter::kBilinear}) {
      for (const bool keep : {true, false}) {
        const CropOptions options = ClipOptions(24, filter, keep);
        const Segments segments = SegmentsOf(width, height, boxes);
        std::vector<uint32_t> indices;
        for (uint32_t i = 0; i < boxes.size(); ++i) indices.insert(indices.begin(), i);
        const size_t stride = size_t{3} * 24 * 24;
        std::vector<float> output(stride * boxes.size());
        ASSERT_TRUE(
            CropBatch(image.view, segments, indices.data(), indices.size(), options, output.data(), output.size())
                .ok());
        for (size_t i = 0; i < indices.size(); ++i) {
          const std::vector<float> crop(output.begin() + static_cast<std::ptrdiff_t>(i * stride),
                                        output.begin() + static_cast<std::ptrdiff_t>((i + 1) * stride));
          EXPECT_LE(Distance(crop, Oracle(image.view, segments, indices[i], options), options), 1.001)
              << "format " << int(format) << " box " << indices[i] << " keep " << keep;
        }
      }
    }
  }
}

TEST(Crops, ShrinkLargeObjectsWithAntialiasing) {
  // Stripes of one pixel average out instead of turning into a pattern.
  std::vector<uint8_t> rgb(size_t{3} * 512 * 512);
  for (size_t i = 0; i < rgb.size(); ++i) rgb[i] = (i / 3) % 2 == 0 ? 0 : 255;
  ImageView view;
  view.width = view.height = 512;
  view.planes[0] = rgb.data();
  view.strides[0] = 3 * 512;
  CropOptions options = ClipOptions(32, ResampleFilter::kBicubic, true);
  options.mean = {0, 0, 0};
  options.deviation = {1, 1, 1};
  const Segments segments = SegmentsOf(512, 512, {{0, 0, 512, 512}}, true);
  std::vector<float> output(size_t{3} * 32 * 32);
  const uint32_t index = 0;
  ASSERT_TRUE(CropBatch(view, segments, &index, 1, options, output.data(), output.size()).ok());
  // The outermost samples see more of one stripe.
  for (size_t y = 0; y < 32; ++y) {
    for (size_t x = 1; x < 31; ++x) EXPECT_NEAR(output[y * 32 + x], 0.5F, 0.02F);
  }
}

TEST(Crops, OfAnObjectWithoutPixelsAreAllBackground) {
  const RandomImage image(PixelFormat::kNv12, 20, 20, 0, 3);
  const Segments segments = SegmentsOf(20, 20, {{2, 3, 17, 12}}, true);
  const CropOptions options = ClipOptions(16, ResampleFilter::kBicubic, false);
  std::vector<float> output(size_t{3} * 16 * 16);
  const uint32_t index = 0;
  ASSERT_TRUE(CropBatch(image.view, segments, &index, 1, options, output.data(), output.size()).ok());
  for (size_t i = 0; i < output.size(); ++i) EXPECT_EQ(output[i], output[i / 256 * 256]);
}

TEST(Crops, AreCentredAndNeverCut) {
  const float wide[] = {100, 200, 500, 300};
  const CropGeometry a = MakeCropGeometry(wide, 640, 480, 224);
  EXPECT_EQ(a.target_width, 224);
  EXPECT_EQ(a.target_height, 56);
  EXPECT_EQ(a.left, 0);
  EXPECT_EQ(a.top, 84);
  const float line[] = {5, 0, 5.5F, 480};
  const CropGeometry b = MakeCropGeometry(line, 640, 480, 224);
  EXPECT_EQ(b.width, 1);
  EXPECT_EQ(b.target_width, 1);
  EXPECT_EQ(b.target_height, 224);
}

TEST(Crops, RefuseWhatDoesNotFitTogether) {
  const RandomImage image(PixelFormat::kRgb, 20, 20, 0, 3);
  Segments segments = SegmentsOf(20, 20, {{2, 3, 17, 12}, {0, 0, 4, 4}});
  CropOptions options = ClipOptions(8, ResampleFilter::kBicubic, false);
  std::vector<float> output(size_t{2} * 3 * 8 * 8);
  const uint32_t indices[] = {0, 1};
  const auto crop = [&](size_t count, size_t room) {
    return CropBatch(image.view, segments, indices, count, options, output.data(), room).ok();
  };
  EXPECT_TRUE(crop(2, output.size()));
  EXPECT_TRUE(crop(0, 0));
  EXPECT_FALSE(crop(2, output.size() - 1));
  const uint32_t outside = 2;
  EXPECT_FALSE(CropBatch(image.view, segments, &outside, 1, options, output.data(), output.size()).ok());
  options.deviation[1] = 0;
  EXPECT_FALSE(crop(1, output.size()));
  options = ClipOptions(kMaxCropSide + 1, ResampleFilter::kBicubic, false);
  EXPECT_FALSE(crop(1, output.size()));
  options = ClipOptions(8, ResampleFilter::kBicubic, false);
  segments.boxes[1] = NAN;
  EXPECT_FALSE(crop(1, output.size()));
  segments.boxes[1] = 3;
  segments.height = 19;
  EXPECT_FALSE(crop(1, output.size()));
}

}  // namespace
}  // namespace fastsamd
