#include "jpeg/jpeg.h"

#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <array>
#include <cmath>

#include "core/color.h"

namespace fastsamd {
namespace {

struct Picture {
  ImageView view;
  std::array<std::vector<uint8_t>, 3> planes;
};

/// A smooth picture: what a JPEG keeps.
Picture Smooth(PixelFormat format, int width, int height) {
  Picture picture;
  picture.view.format = format;
  picture.view.width = width;
  picture.view.height = height;
  const PlaneLayout layout = LayoutOf(format, width);
  for (size_t plane = 0; plane < size_t(layout.planes); ++plane) {
    const int rows = plane == 0 ? height : (height + 1) / 2;
    const int stride = layout.row_bytes[plane] + 3;
    auto& bytes = picture.planes[plane];
    bytes.resize(size_t(stride * rows));
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < stride; ++x) {
        bytes[size_t(y * stride + x)] = uint8_t(128 + 90 * std::sin(x / 45.0 + double(plane)) * std::cos(y / 23.0));
      }
    }
    picture.view.planes[plane] = bytes.data();
    picture.view.strides[plane] = stride;
  }
  return picture;
}

std::vector<uint8_t> Decode(const std::vector<uint8_t>& jpeg, int width, int height) {
  tjhandle handle = tjInitDecompress();
  int w = 0;
  int h = 0;
  int sampling = 0;
  int space = 0;
  EXPECT_EQ(tjDecompressHeader3(handle, jpeg.data(), jpeg.size(), &w, &h, &sampling, &space), 0);
  EXPECT_EQ(w, width);
  EXPECT_EQ(h, height);
  std::vector<uint8_t> rgb(size_t(3 * w * h));
  EXPECT_EQ(tjDecompress2(handle, jpeg.data(), jpeg.size(), rgb.data(), w, 0, h, TJPF_RGB, 0), 0);
  tjDestroy(handle);
  return rgb;
}

double Psnr(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
  return 10 * std::log10(255.0 * 255.0 / (sum / double(a.size()) + 1e-9));
}

TEST(EncodeJpeg, KeepsColoursOfEveryFormatMatrixAndRange) {
  for (const PixelFormat format : {PixelFormat::kRgb, PixelFormat::kBgr, PixelFormat::kNv12, PixelFormat::kI420}) {
    for (const ColorMatrix matrix : {ColorMatrix::kBt601, ColorMatrix::kBt709, ColorMatrix::kBt2020}) {
      for (const ColorRange range : {ColorRange::kLimited, ColorRange::kFull}) {
        for (const auto& [width, height] : {std::array{320, 180}, std::array{161, 91}}) {
          Picture picture = Smooth(format, width, height);
          // Colours that RGB can show, whatever the matrix.
          if (format == PixelFormat::kNv12 || format == PixelFormat::kI420) {
            for (size_t plane = 0; plane < 3; ++plane) {
              for (uint8_t& byte : picture.planes[plane]) byte = uint8_t(128 + (byte - 128) / (plane == 0 ? 2 : 4));
            }
          }
          picture.view.matrix = matrix;
          picture.view.range = range;
          std::vector<uint8_t> exact(size_t(3 * width * height));
          if (format == PixelFormat::kRgb || format == PixelFormat::kBgr) {
            // Packed colours of neighbours differ in nothing but the channel.
            for (int y = 0; y < height; ++y) {
              for (int x = 0; x < 3 * width; ++x) {
                picture.planes[0][size_t(y * picture.view.strides[0] + x)] =
                    uint8_t(128 + 90 * std::sin(x / 3 / 45.0 + x % 3) * std::cos(y / 23.0));
              }
            }
          }
          ASSERT_TRUE(ToRgb(picture.view, exact.data()).ok());
          const auto jpeg = EncodeJpeg(picture.view, width, height, 92);
          ASSERT_TRUE(jpeg.ok());
          EXPECT_GT(Psnr(Decode(jpeg.value(), width, height), exact), 32)
              << "format " << int(format) << " matrix " << int(matrix) << " range " << int(range) << " " << width;
        }
      }
    }
  }
}

TEST(EncodeJpeg, ShrinksEveryFormat) {
  for (const PixelFormat format :
       {PixelFormat::kRgb, PixelFormat::kBgr, PixelFormat::kRgba, PixelFormat::kNv12, PixelFormat::kI420}) {
    for (const auto& [width, height] : {std::array{1, 1}, std::array{7, 5}, std::array{64, 36}, std::array{101, 57}}) {
      const Picture picture = Smooth(format, 203, 115);
      const auto jpeg = EncodeJpeg(picture.view, width, height, 70);
      ASSERT_TRUE(jpeg.ok());
      Decode(jpeg.value(), width, height);
    }
  }
}

TEST(EncodeJpeg, RefusesWhatItCannotDo) {
  const Picture picture = Smooth(PixelFormat::kRgb, 20, 10);
  EXPECT_EQ(EncodeJpeg(picture.view, 21, 10, 70).error().code, ErrorCode::kMisuse);
  EXPECT_EQ(EncodeJpeg(picture.view, 0, 10, 70).error().code, ErrorCode::kMisuse);
  EXPECT_EQ(EncodeJpeg(picture.view, 20, 10, 0).error().code, ErrorCode::kMisuse);
  EXPECT_EQ(EncodeJpeg(picture.view, 20, 10, 101).error().code, ErrorCode::kMisuse);
}

}  // namespace
}  // namespace fastsamd
