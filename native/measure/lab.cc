#include "measure/lab.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/yuv.h"

namespace fastsamd {
namespace {

/// sRGB to linear light, per 8 bit value.
const std::array<float, 256>& Linear() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values{};
    for (size_t k = 0; k < values.size(); ++k) {
      const double v = static_cast<double>(k) / 255;
      values[k] = static_cast<float>(v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4));
    }
    return values;
  }();
  return table;
}

double Companded(double t) {
  constexpr double kEpsilon = 216.0 / 24389;
  constexpr double kKappa = 24389.0 / 27;
  return t > kEpsilon ? std::cbrt(t) : (kKappa * t + 16) / 116;
}

/// Companded over 0..1, read between its entries: within 5e-6.
class CompandTable {
 public:
  CompandTable() {
    for (size_t k = 0; k < values_.size(); ++k)
      values_[k] = static_cast<float>(Companded(static_cast<double>(k) / kSteps));
  }
  float At(float t) const {
    const float place = std::clamp(t, 0.0F, 1.0F) * kSteps;
    const auto k = static_cast<size_t>(place);
    return values_[k] + (place - static_cast<float>(k)) * (values_[k + 1] - values_[k]);
  }

 private:
  static constexpr int kSteps = 4096;
  std::array<float, kSteps + 2> values_{};
};

/// Linear sRGB to XYZ over the white of D65, rows that sum to 1 exactly: grey has no colour.
struct Xyz {
  double x;
  double y;
  double z;
};
Xyz ToXyz(double r, double g, double b) {
  return {(0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047, 0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
          (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883};
}

/// Pixels of a mask in its bounding columns, row by row.
struct Window {
  int x0;
  int y0;
  int width;
  int height;
  std::vector<uint8_t> inside;
};

template <typename Visit>
void ForEachColumn(const Run* runs, size_t count, int height, Visit visit) {
  const auto rows = static_cast<uint32_t>(height);
  for (size_t k = 0; k < count; ++k) {
    for (uint32_t start = runs[k].start; start < runs[k].end;) {
      const uint32_t x = start / rows;
      const uint32_t end = std::min(runs[k].end, (x + 1) * rows);
      visit(static_cast<int>(x), static_cast<int>(start - x * rows), static_cast<int>(end - x * rows));
      start = end;
    }
  }
}

/// The mask shrunk by `erosion` either way: up and down while it is written, then sideways by counting. A mask that
/// leaves the picture is taken to go on there.
Window Eroded(const Run* runs, size_t count, int width, int height, int erosion) {
  int x0 = width;
  int x1 = 0;
  int y0 = height;
  int y1 = 0;
  ForEachColumn(runs, count, height, [&](int x, int a, int b) {
    x0 = std::min(x0, x);
    x1 = std::max(x1, x + 1);
    y0 = std::min(y0, a);
    y1 = std::max(y1, b);
  });
  Window window{x0, y0, x1 - x0, y1 - y0, {}};
  const auto stride = static_cast<size_t>(window.width);
  window.inside.resize(stride * static_cast<size_t>(window.height));
  ForEachColumn(runs, count, height, [&](int x, int a, int b) {
    const int from = a == 0 ? 0 : a + erosion;
    const int to = b == height ? height : b - erosion;
    for (int y = from; y < to; ++y)
      window.inside[static_cast<size_t>(y - y0) * stride + static_cast<size_t>(x - x0)] = 1;
  });
  if (erosion == 0) return window;
  std::vector<uint8_t> row(stride);
  for (int y = 0; y < window.height; ++y) {
    uint8_t* at = window.inside.data() + static_cast<size_t>(y) * stride;
    std::copy(at, at + stride, row.begin());
    int run = x0 == 0 ? erosion : 0;
    for (int x = 0; x < window.width + erosion; ++x) {
      const bool beyond = x >= window.width;
      const bool set = beyond ? x1 == width : row[static_cast<size_t>(x)] != 0;
      run = set ? run + 1 : 0;
      const int middle = x - erosion;
      if (middle >= 0) at[middle] = run > 2 * erosion ? 1 : 0;
    }
  }
  return window;
}

}  // namespace

Lab LabOf(uint8_t red, uint8_t green, uint8_t blue) {
  const Xyz xyz = ToXyz(Linear()[red], Linear()[green], Linear()[blue]);
  const double x = Companded(xyz.x);
  const double y = Companded(xyz.y);
  const double z = Companded(xyz.z);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

Lab MeanLab(const ImageView& image, const Run* runs, size_t count, int erosion) {
  if (count == 0) return {std::nan(""), std::nan(""), std::nan("")};
  Window window = Eroded(runs, count, image.width, image.height, erosion);
  if (std::none_of(window.inside.begin(), window.inside.end(), [](uint8_t set) { return set != 0; })) {
    window = Eroded(runs, count, image.width, image.height, 0);
  }
  static const CompandTable compand;
  const std::array<float, 256>& linear = Linear();
  const bool yuv = image.format == PixelFormat::kNv12 || image.format == PixelFormat::kI420;
  const size_t bytes = image.format == PixelFormat::kRgba ? 4 : 3;
  const size_t first = image.format == PixelFormat::kBgr ? 2 : 0;
  YuvRows rows(image);
  std::vector<uint8_t> planar(yuv ? static_cast<size_t>(image.width) * 3 : 0);
  double pixels = 0;
  double fx = 0;
  double fy = 0;
  double fz = 0;
  for (int y = 0; y < window.height; ++y) {
    const uint8_t* inside = window.inside.data() + static_cast<size_t>(y) * static_cast<size_t>(window.width);
    const uint8_t* in = image.planes[0] + static_cast<size_t>(y + window.y0) * static_cast<size_t>(image.strides[0]);
    if (yuv) rows.ToPlanarRgb(y + window.y0, planar.data());
    for (int x = 0; x < window.width; ++x) {
      if (inside[x] == 0) continue;
      const auto column = static_cast<size_t>(x + window.x0);
      const auto width = static_cast<size_t>(image.width);
      const uint8_t red = yuv ? planar[column] : in[column * bytes + first];
      const uint8_t green = yuv ? planar[width + column] : in[column * bytes + 1];
      const uint8_t blue = yuv ? planar[2 * width + column] : in[column * bytes + 2 - first];
      const Xyz xyz = ToXyz(linear[red], linear[green], linear[blue]);
      pixels += 1;
      fx += compand.At(static_cast<float>(xyz.x));
      fy += compand.At(static_cast<float>(xyz.y));
      fz += compand.At(static_cast<float>(xyz.z));
    }
  }
  return {116 * fy / pixels - 16, 500 * (fx - fy) / pixels, 200 * (fy - fz) / pixels};
}

}  // namespace fastsamd
