#include "core/color.h"

#include <cstring>
#include <string>
#include <vector>

#include "core/yuv.h"

namespace fastsamd {
namespace {

template <int kStep, int kRed, int kBlue>
void PackRow(const uint8_t* __restrict in, int width, uint8_t* __restrict rgb) {
  for (int x = 0; x < width; ++x) {
    rgb[3 * x] = in[kStep * x + kRed];
    rgb[3 * x + 1] = in[kStep * x + 1];
    rgb[3 * x + 2] = in[kStep * x + kBlue];
  }
}

void InterleaveRow(const uint8_t* __restrict planar, int width, uint8_t* __restrict rgb) {
  for (int x = 0; x < width; ++x) {
    rgb[3 * x] = planar[x];
    rgb[3 * x + 1] = planar[width + x];
    rgb[3 * x + 2] = planar[2 * width + x];
  }
}

void YuvToRgb(const ImageView& image, uint8_t* rgb) {
  const size_t row_bytes = static_cast<size_t>(image.width) * 3;
  YuvRows rows(image);
  std::vector<uint8_t> planar(row_bytes);
  for (int y = 0; y < image.height; ++y) {
    rows.ToPlanarRgb(y, planar.data());
    InterleaveRow(planar.data(), image.width, rgb + static_cast<size_t>(y) * row_bytes);
  }
}

}  // namespace

PlaneLayout LayoutOf(PixelFormat format, int width) {
  const int chroma = (width + 1) / 2;
  switch (format) {
    case PixelFormat::kRgba:
      return {1, {width * 4, 0, 0}};
    case PixelFormat::kNv12:
      return {2, {width, chroma * 2, 0}};
    case PixelFormat::kI420:
      return {3, {width, chroma, chroma}};
    case PixelFormat::kRgb:
    case PixelFormat::kBgr:
      break;
  }
  return {1, {width * 3, 0, 0}};
}

Status Validate(const ImageView& image) {
  if (image.width < 1 || image.height < 1 || image.width > kMaxSide || image.height > kMaxSide) {
    return Error{ErrorCode::kMisuse, "expected an image of 1 to " + std::to_string(kMaxSide) + " pixels a side, got " +
                                         std::to_string(image.width) + "x" + std::to_string(image.height)};
  }
  const PlaneLayout layout = LayoutOf(image.format, image.width);
  for (size_t plane = 0; plane < static_cast<size_t>(layout.planes); ++plane) {
    const int stride = image.strides[plane];
    if (image.planes[plane] == nullptr || stride < layout.row_bytes[plane] || stride > kMaxStride) {
      return Error{ErrorCode::kMisuse, "expected plane " + std::to_string(plane) + " with a stride of " +
                                           std::to_string(layout.row_bytes[plane]) + " to " +
                                           std::to_string(kMaxStride) + " bytes, got " + std::to_string(stride)};
    }
  }
  return Ok();
}

Status ToRgb(const ImageView& image, uint8_t* rgb) {
  Status valid = Validate(image);
  if (!valid.ok()) return valid;
  if (image.format == PixelFormat::kNv12 || image.format == PixelFormat::kI420) {
    YuvToRgb(image, rgb);
    return Ok();
  }
  const size_t row_bytes = static_cast<size_t>(image.width) * 3;
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* in = image.planes[0] + static_cast<size_t>(y) * static_cast<size_t>(image.strides[0]);
    uint8_t* out = rgb + static_cast<size_t>(y) * row_bytes;
    if (image.format == PixelFormat::kRgb) {
      std::memcpy(out, in, row_bytes);
    } else if (image.format == PixelFormat::kBgr) {
      PackRow<3, 2, 0>(in, image.width, out);
    } else {
      PackRow<4, 0, 2>(in, image.width, out);
    }
  }
  return Ok();
}

}  // namespace fastsamd
