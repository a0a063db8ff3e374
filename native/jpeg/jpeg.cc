#include "jpeg/jpeg.h"

#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include "core/color.h"
#include "core/scale.h"
#include "core/yuv.h"

namespace fastsamd {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Compressor = std::unique_ptr<void, Destroy>;

/// One per thread of the pool; making one costs more than a small picture.
Compressor& ThreadCompressor() {
  thread_local Compressor compressor(tjInitCompress());
  return compressor;
}

/// Takes a picture out of the compressor's own kind of memory.
Result<std::vector<uint8_t>> Finish(int status, uint8_t* jpeg, unsigned long size) {
  Result<std::vector<uint8_t>> done =
      status == 0 ? Result<std::vector<uint8_t>>(std::vector<uint8_t>(jpeg, jpeg + size))
                  : Error{ErrorCode::kInternal, std::string("JPEG: ") + tjGetErrorStr2(ThreadCompressor().get())};
  tjFree(jpeg);
  return done;
}

Result<std::vector<uint8_t>> CompressPacked(const uint8_t* pixels, int stride, int width, int height, int format,
                                            int quality) {
  uint8_t* jpeg = nullptr;
  unsigned long size = 0;
  const int status = tjCompress2(ThreadCompressor().get(), pixels, width, stride, height, format, &jpeg, &size,
                                 TJSAMP_420, quality, TJFLAG_FASTDCT);
  return Finish(status, jpeg, size);
}

int PackedFormat(PixelFormat format) {
  if (format == PixelFormat::kBgr) return TJPF_BGR;
  return format == PixelFormat::kRgba ? TJPF_RGBX : TJPF_RGB;
}

uint8_t ToByte(float value) { return static_cast<uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F)); }

/// From one kind of YUV to JPEG's: by way of RGB, of which the two conversions make one matrix.
struct YuvToJpeg {
  std::array<std::array<float, 3>, 3> m{};
  float luma_offset = 0;

  explicit YuvToJpeg(const ImageView& image) {
    const YuvMatrix from = MakeYuvMatrix(image.matrix, image.range);
    luma_offset = from.luma_offset;
    const std::array<std::array<double, 3>, 3> rgb{{{from.luma_scale, 0, from.red_v},
                                                    {from.luma_scale, from.green_u, from.green_v},
                                                    {from.luma_scale, from.blue_u, 0}}};
    const std::array<std::array<double, 3>, 3> jpeg{
        {{0.299, 0.587, 0.114}, {-0.168736, -0.331264, 0.5}, {0.5, -0.418688, -0.081312}}};
    for (size_t row = 0; row < 3; ++row) {
      for (size_t column = 0; column < 3; ++column) {
        double sum = 0;
        for (size_t k = 0; k < 3; ++k) sum += jpeg[row][k] * rgb[k][column];
        m[row][column] = static_cast<float>(sum);
      }
    }
  }

  bool IsIdentity() const {
    for (size_t row = 0; row < 3; ++row) {
      for (size_t column = 0; column < 3; ++column) {
        if (std::abs(m[row][column] - (row == column ? 1.0F : 0.0F)) > 1e-3F) return false;
      }
    }
    return luma_offset == 0;
  }

  /// In place. Grey has no chroma whatever the matrix, so that chroma needs no luma.
  void Convert(uint8_t* y, uint8_t* u, uint8_t* v, int width, int height) const {
    const size_t chroma_width = static_cast<size_t>(width) / 2;
    for (size_t row = 0; row < static_cast<size_t>(height); row += 2) {
      uint8_t* us = u + row / 2 * chroma_width;
      uint8_t* vs = v + row / 2 * chroma_width;
      for (size_t i = 0; i < chroma_width; ++i) {
        const float du = static_cast<float>(us[i]) - 128.0F;
        const float dv = static_cast<float>(vs[i]) - 128.0F;
        const float shift = m[0][1] * du + m[0][2] * dv;
        for (uint8_t* luma : {y + row * static_cast<size_t>(width), y + (row + 1) * static_cast<size_t>(width)}) {
          luma[2 * i] = ToByte((static_cast<float>(luma[2 * i]) - luma_offset) * m[0][0] + shift);
          luma[2 * i + 1] = ToByte((static_cast<float>(luma[2 * i + 1]) - luma_offset) * m[0][0] + shift);
        }
        us[i] = ToByte(128.0F + m[1][1] * du + m[1][2] * dv);
        vs[i] = ToByte(128.0F + m[2][1] * du + m[2][2] * dv);
      }
    }
  }
};

/// Both sides even, and chroma planes no larger than the image's.
Result<std::vector<uint8_t>> CompressPlanes(const ImageView& image, int width, int height, int quality) {
  const size_t luma_bytes = static_cast<size_t>(width) * static_cast<size_t>(height);
  std::vector<uint8_t> planes(luma_bytes + luma_bytes / 2);
  uint8_t* y = planes.data();
  uint8_t* u = y + luma_bytes;
  uint8_t* v = u + luma_bytes / 4;
  const int chroma_width = (image.width + 1) / 2;
  const int chroma_height = (image.height + 1) / 2;
  AreaScaler scaler;
  scaler.Scale(image.planes[0], image.strides[0], image.width, image.height, 1, y, width, height);
  if (image.format == PixelFormat::kNv12) {
    std::vector<uint8_t> pairs(luma_bytes / 2);
    scaler.Scale(image.planes[1], image.strides[1], chroma_width, chroma_height, 2, pairs.data(), width / 2,
                 height / 2);
    for (size_t i = 0; i < luma_bytes / 4; ++i) {
      u[i] = pairs[2 * i];
      v[i] = pairs[2 * i + 1];
    }
  } else {
    scaler.Scale(image.planes[1], image.strides[1], chroma_width, chroma_height, 1, u, width / 2, height / 2);
    scaler.Scale(image.planes[2], image.strides[2], chroma_width, chroma_height, 1, v, width / 2, height / 2);
  }
  if (const YuvToJpeg convert(image); !convert.IsIdentity()) convert.Convert(y, u, v, width, height);
  std::array<const uint8_t*, 3> pointers{y, u, v};
  uint8_t* jpeg = nullptr;
  unsigned long size = 0;
  const int status = tjCompressFromYUVPlanes(ThreadCompressor().get(), pointers.data(), width, nullptr, height,
                                             TJSAMP_420, &jpeg, &size, quality, TJFLAG_FASTDCT);
  return Finish(status, jpeg, size);
}

}  // namespace

Result<std::vector<uint8_t>> EncodeJpeg(const ImageView& image, int width, int height, int quality) {
  if (const Status valid = Validate(image); !valid.ok()) return valid.error();
  if (width < 1 || height < 1 || width > image.width || height > image.height || quality < 1 || quality > 100) {
    return Error{ErrorCode::kMisuse, "expected a picture no larger than its frame and a quality of 1 to 100"};
  }
  if (ThreadCompressor() == nullptr) return Error{ErrorCode::kOutOfMemory, "not enough memory for a JPEG encoder"};
  const bool is_yuv = image.format == PixelFormat::kNv12 || image.format == PixelFormat::kI420;
  if (is_yuv && width % 2 == 0 && height % 2 == 0) return CompressPlanes(image, width, height, quality);
  const uint8_t* pixels = image.planes[0];
  int stride = image.strides[0];
  PixelFormat format = image.format;
  std::vector<uint8_t> rgb;
  if (is_yuv) {
    rgb.resize(size_t{3} * static_cast<size_t>(image.width) * static_cast<size_t>(image.height));
    if (const Status done = ToRgb(image, rgb.data()); !done.ok()) return done.error();
    pixels = rgb.data();
    stride = 3 * image.width;
    format = PixelFormat::kRgb;
  }
  if (width == image.width && height == image.height) {
    return CompressPacked(pixels, stride, width, height, PackedFormat(format), quality);
  }
  const int channels = format == PixelFormat::kRgba ? 4 : 3;
  std::vector<uint8_t> small(static_cast<size_t>(channels) * static_cast<size_t>(width) * static_cast<size_t>(height));
  AreaScaler scaler;
  scaler.Scale(pixels, stride, image.width, image.height, channels, small.data(), width, height);
  return CompressPacked(small.data(), channels * width, width, height, PackedFormat(format), quality);
}

}  // namespace fastsamd
