#include "image_oracle.h"

#include <algorithm>
#include <random>

namespace fastsamd::test {
namespace {

struct PlaneSize {
  int bytes;
  int rows;
};

std::vector<PlaneSize> PlanesOf(PixelFormat format, int width, int height) {
  const int cw = (width + 1) / 2;
  const int ch = (height + 1) / 2;
  switch (format) {
    case PixelFormat::kRgba:
      return {{width * 4, height}};
    case PixelFormat::kNv12:
      return {{width, height}, {cw * 2, ch}};
    case PixelFormat::kI420:
      return {{width, height}, {cw, ch}, {cw, ch}};
    default:
      return {{width * 3, height}};
  }
}

}  // namespace

RandomImage::RandomImage(PixelFormat format, int width, int height, int slack, uint32_t seed) {
  std::mt19937 random(seed);
  view.format = format;
  view.width = width;
  view.height = height;
  const std::vector<PlaneSize> sizes = PlanesOf(format, width, height);
  for (size_t p = 0; p < sizes.size(); ++p) {
    view.strides[p] = sizes[p].bytes + slack;
    planes_.emplace_back(static_cast<size_t>(view.strides[p]) * static_cast<size_t>(sizes[p].rows) -
                         static_cast<size_t>(slack));
    for (uint8_t& byte : planes_.back()) byte = static_cast<uint8_t>(random());
  }
  for (size_t p = 0; p < sizes.size(); ++p) view.planes[p] = planes_[p].data();
}

std::array<double, 3> RandomImage::Exact(int x, int y) const {
  switch (view.format) {
    case PixelFormat::kRgb:
      return {double(Byte(0, 3 * x, y)), double(Byte(0, 3 * x + 1, y)), double(Byte(0, 3 * x + 2, y))};
    case PixelFormat::kBgr:
      return {double(Byte(0, 3 * x + 2, y)), double(Byte(0, 3 * x + 1, y)), double(Byte(0, 3 * x, y))};
    case PixelFormat::kRgba:
      return {double(Byte(0, 4 * x, y)), double(Byte(0, 4 * x + 1, y)), double(Byte(0, 4 * x + 2, y))};
    default:
      break;
  }
  const bool nv12 = view.format == PixelFormat::kNv12;
  const bool limited = view.range == ColorRange::kLimited;
  const double luma = (Byte(0, x, y) - (limited ? 16 : 0)) / (limited ? 219.0 : 255.0);
  const double chroma = limited ? 224.0 : 255.0;
  const double cb = ((nv12 ? Byte(1, x / 2 * 2, y / 2) : Byte(1, x / 2, y / 2)) - 128) / chroma;
  const double cr = ((nv12 ? Byte(1, x / 2 * 2 + 1, y / 2) : Byte(2, x / 2, y / 2)) - 128) / chroma;
  const double kr = view.matrix == ColorMatrix::kBt601 ? 0.299 : view.matrix == ColorMatrix::kBt709 ? 0.2126 : 0.2627;
  const double kb = view.matrix == ColorMatrix::kBt601 ? 0.114 : view.matrix == ColorMatrix::kBt709 ? 0.0722 : 0.0593;
  // Inverse of E'Y = Kr R + Kg G + Kb B, E'Cb = (B - E'Y) / (2 - 2 Kb), E'Cr = (R - E'Y) / (2 - 2 Kr).
  const double red = luma + (2 - 2 * kr) * cr;
  const double blue = luma + (2 - 2 * kb) * cb;
  const double green = (luma - kr * red - kb * blue) / (1 - kr - kb);
  const auto to_8_bit = [](double value) { return std::clamp(value * 255.0, 0.0, 255.0); };
  return {to_8_bit(red), to_8_bit(green), to_8_bit(blue)};
}

}  // namespace fastsamd::test
