#include "core/appearance.h"

#include <algorithm>
#include <cmath>

#include "core/yuv.h"

namespace fastsamd {
namespace {

struct Rgb {
  int red;
  int green;
  int blue;
};

int Clamp8(float value) { return std::clamp(static_cast<int>(value + 0.5F), 0, 255); }

/// One pixel; `yuv` is the image's matrix where it has one.
Rgb PixelAt(const ImageView& image, const YuvMatrix& yuv, int x, int y) {
  const auto at = [&](size_t plane, int row, int byte) {
    return static_cast<int>(
        image.planes[plane][static_cast<ptrdiff_t>(row) * image.strides[plane] + static_cast<ptrdiff_t>(byte)]);
  };
  switch (image.format) {
    case PixelFormat::kRgb:
      return {at(0, y, 3 * x), at(0, y, 3 * x + 1), at(0, y, 3 * x + 2)};
    case PixelFormat::kBgr:
      return {at(0, y, 3 * x + 2), at(0, y, 3 * x + 1), at(0, y, 3 * x)};
    case PixelFormat::kRgba:
      return {at(0, y, 4 * x), at(0, y, 4 * x + 1), at(0, y, 4 * x + 2)};
    case PixelFormat::kNv12:
    case PixelFormat::kI420:
      break;
  }
  const bool packed = image.format == PixelFormat::kNv12;
  const int u = packed ? at(1, y / 2, x / 2 * 2) : at(1, y / 2, x / 2);
  const int v = packed ? at(1, y / 2, x / 2 * 2 + 1) : at(2, y / 2, x / 2);
  const float luma = (static_cast<float>(at(0, y, x)) - yuv.luma_offset) * yuv.luma_scale;
  const auto du = static_cast<float>(u - 128);
  const auto dv = static_cast<float>(v - 128);
  return {Clamp8(luma + yuv.red_v * dv), Clamp8(luma + (yuv.green_u * du + yuv.green_v * dv)),
          Clamp8(luma + yuv.blue_u * du)};
}

}  // namespace

void SampleCells(const ImageView& image, const CellGrid& grid, CellColours& samples) {
  const size_t cells = static_cast<size_t>(grid.columns) * static_cast<size_t>(grid.rows);
  samples.bins.resize(cells);
  samples.luma.resize(cells);
  const YuvMatrix yuv = MakeYuvMatrix(image.matrix, image.range);
  for (int row = 0; row < grid.rows; ++row) {
    const int y = grid.Centre(row, grid.height);
    for (int column = 0; column < grid.columns; ++column) {
      const Rgb pixel = PixelAt(image, yuv, grid.Centre(column, grid.width), y);
      const size_t at = static_cast<size_t>(column) * static_cast<size_t>(grid.rows) + static_cast<size_t>(row);
      samples.bins[at] = static_cast<uint8_t>((pixel.red >> 6) << 4 | (pixel.green >> 6) << 2 | pixel.blue >> 6);
      samples.luma[at] = static_cast<uint8_t>((77 * pixel.red + 150 * pixel.green + 29 * pixel.blue) >> 8);
    }
  }
}

Colours ColoursOf(const CellGrid& grid, const CellMask& mask, const CellColours& samples) {
  Colours colours{};
  if (mask.count < kMinCells / 2) return colours;
  std::array<int, kColourBins> counts{};
  for (int column = 0; column < mask.columns; ++column) {
    const uint8_t* bins =
        samples.bins.data() + static_cast<size_t>(mask.first + column) * static_cast<size_t>(grid.rows);
    for (int word = 0; word < grid.words; ++word) {
      uint64_t bits =
          mask.bits[static_cast<size_t>(column) * static_cast<size_t>(grid.words) + static_cast<size_t>(word)];
      for (; bits != 0; bits &= bits - 1) ++counts[bins[64 * word + __builtin_ctzll(bits)]];
    }
  }
  for (size_t k = 0; k < kColourBins; ++k) {
    colours[k] = std::sqrt(static_cast<float>(counts[k]) / static_cast<float>(mask.count));
  }
  return colours;
}

double Alike(const Colours& a, const Colours& b) {
  // In lanes, which is quicker than one after the other and the same on every machine.
  constexpr size_t kLanes = 8;
  std::array<float, kLanes> sums{};
  std::array<float, kLanes> mass_a{};
  std::array<float, kLanes> mass_b{};
  for (size_t k = 0; k < kColourBins; k += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += a[k + lane] * b[k + lane];
      mass_a[lane] += a[k + lane];
      mass_b[lane] += b[k + lane];
    }
  }
  const auto total = [](const std::array<float, kLanes>& lanes) {
    return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
  };
  if (total(mass_a) <= 0.0F || total(mass_b) <= 0.0F) return -1.0;
  return std::min(static_cast<double>(total(sums)), 1.0);
}

void Learn(Colours& known, const Colours& seen, float weight) {
  float mass_known = 0.0F;
  float mass_seen = 0.0F;
  for (size_t k = 0; k < kColourBins; ++k) {
    mass_known += known[k];
    mass_seen += seen[k];
  }
  if (mass_seen <= 0.0F) return;
  if (mass_known <= 0.0F) {
    known = seen;
    return;
  }
  for (size_t k = 0; k < kColourBins; ++k) {
    known[k] = std::sqrt((1.0F - weight) * known[k] * known[k] + weight * seen[k] * seen[k]);
  }
}

double SceneLikeness(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  if (a.size() != b.size() || a.empty()) return 0.0;
  const auto n = static_cast<double>(a.size());
  int64_t sum_a = 0;
  int64_t sum_b = 0;
  int64_t square_a = 0;
  int64_t square_b = 0;
  int64_t product = 0;
  for (size_t k = 0; k < a.size(); ++k) {
    sum_a += a[k];
    sum_b += b[k];
    square_a += a[k] * a[k];
    square_b += b[k] * b[k];
    product += a[k] * b[k];
  }
  const double mean_a = static_cast<double>(sum_a) / n;
  const double mean_b = static_cast<double>(sum_b) / n;
  const double variance_a = static_cast<double>(square_a) / n - mean_a * mean_a;
  const double variance_b = static_cast<double>(square_b) / n - mean_b * mean_b;
  if (variance_a < 1e-9 || variance_b < 1e-9) return 0.0;
  return (static_cast<double>(product) / n - mean_a * mean_b) / std::sqrt(variance_a * variance_b);
}

}  // namespace fastsamd
