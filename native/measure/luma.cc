#include "measure/luma.h"

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "measure/median.h"

namespace fastsamd {
namespace {

constexpr int kTile = 8;
/// BT.601's weights in 1 / 65536: their sum is 1.
constexpr int32_t kRed = 19595;
constexpr int32_t kGreen = 38470;
constexpr int32_t kBlue = 7471;
constexpr float kUnit = 1.0F / 65536;

/// The luma of a pixel of a packed format, in kUnit.
struct PackedLuma {
  int32_t first;
  int32_t third;

  int32_t operator()(const uint8_t* pixel) const { return first * pixel[0] + kGreen * pixel[1] + third * pixel[2]; }
  /// Of kTile pixels. Weights and channels of 16 bits: products of 32 bits are then made several at a time.
  void Tile(const uint8_t* pixels, size_t bytes, int32_t* out) const {
    uint16_t channels[3][kTile];
    for (int k = 0; k < kTile; ++k) {
      const uint8_t* pixel = pixels + static_cast<size_t>(k) * bytes;
      for (int c = 0; c < 3; ++c) channels[c][k] = pixel[c];
    }
    const auto a = static_cast<uint16_t>(first);
    const auto b = static_cast<uint16_t>(kGreen);
    const auto d = static_cast<uint16_t>(third);
    for (int k = 0; k < kTile; ++k) {
      out[k] =
          static_cast<int32_t>(static_cast<uint32_t>(channels[0][k]) * a + static_cast<uint32_t>(channels[1][k]) * b +
                               static_cast<uint32_t>(channels[2][k]) * d);
    }
  }
  /// The second difference of the luma of three pixels: luma is linear, so that of the channels is weighted once.
  int32_t Bend(const uint8_t* a, const uint8_t* b, const uint8_t* c) const {
    return first * (a[0] - 2 * b[0] + c[0]) + kGreen * (a[1] - 2 * b[1] + c[1]) + third * (a[2] - 2 * b[2] + c[2]);
  }
};

/// The luma of a pixel that has its own plane, in kUnit.
struct PlanarLuma {
  int32_t operator()(const uint8_t* pixel) const { return *pixel << 16; }
  void Tile(const uint8_t* pixels, size_t bytes, int32_t* out) const {
    for (int k = 0; k < kTile; ++k) out[k] = pixels[static_cast<size_t>(k) * bytes] << 16;
  }
  int32_t Bend(const uint8_t* a, const uint8_t* b, const uint8_t* c) const { return (*a - 2 * *b + *c) * 65536; }
};

/// Calls `work` with what gives the luma of a pixel of this format, and the bytes of a pixel as a constant.
template <typename Work>
void ForFormat(PixelFormat format, Work work) {
  const PackedLuma rgb{kRed, kBlue};
  switch (format) {
    case PixelFormat::kNv12:
    case PixelFormat::kI420:
      return work(PlanarLuma{}, std::integral_constant<size_t, 1>{});
    case PixelFormat::kRgb:
      return work(rgb, std::integral_constant<size_t, 3>{});
    case PixelFormat::kBgr:
      return work(PackedLuma{kBlue, kRed}, std::integral_constant<size_t, 3>{});
    case PixelFormat::kRgba:
      return work(rgb, std::integral_constant<size_t, 4>{});
  }
}

}  // namespace

LumaPatch::LumaPatch(const ImageView& image, int x0, int y0, int x1, int y1) {
  Open(image, x0, y0, x1, y1);
  Convert(0, 0, width_, height_);
  std::fill(covered_.begin(), covered_.end(), uint8_t{1});
}

void LumaPatch::Open(const ImageView& image, int x0, int y0, int x1, int y1) {
  image_ = image;
  is_planar_ = image.format == PixelFormat::kNv12 || image.format == PixelFormat::kI420;
  x0_ = std::clamp(x0, 0, image.width - 1);
  y0_ = std::clamp(y0, 0, image.height - 1);
  width_ = std::clamp(x1, x0_ + 1, image.width) - x0_;
  height_ = std::clamp(y1, y0_ + 1, image.height) - y0_;
  const size_t pixels = static_cast<size_t>(width_) * static_cast<size_t>(height_);
  if (luma_.size() < pixels) luma_.resize(pixels);
  const auto tiles = [](int side) { return static_cast<size_t>((side + kTile - 1) / kTile); };
  covered_.assign(tiles(width_) * tiles(height_), 0);
}

void LumaPatch::Cover(const Contour& outline, double margin) {
  const int columns = (width_ + kTile - 1) / kTile;
  // One pixel more on either side: between pixels either one is needed.
  const double wide = margin + 1;
  int seen[4] = {-1, -1, -1, -1};
  for (const Point& point : outline) {
    const double x = point.x - x0_;
    const double y = point.y - y0_;
    const int tiles[4] = {std::clamp(static_cast<int>(x - wide), 0, width_ - 1) / kTile,
                          std::clamp(static_cast<int>(y - wide), 0, height_ - 1) / kTile,
                          std::clamp(static_cast<int>(x + wide), 0, width_ - 1) / kTile,
                          std::clamp(static_cast<int>(y + wide), 0, height_ - 1) / kTile};
    // Neighbours need the same tiles most of the time.
    if (std::equal(tiles, tiles + 4, seen)) continue;
    std::copy(tiles, tiles + 4, seen);
    for (int ty = tiles[1]; ty <= tiles[3]; ++ty) {
      for (int tx = tiles[0]; tx <= tiles[2]; ++tx) {
        uint8_t& covered = covered_[static_cast<size_t>(ty) * static_cast<size_t>(columns) + static_cast<size_t>(tx)];
        if (covered != 0) continue;
        covered = 1;
        Convert(tx * kTile, ty * kTile, std::min(width_, (tx + 1) * kTile), std::min(height_, (ty + 1) * kTile));
      }
    }
  }
}

void LumaPatch::Convert(int x0, int y0, int x1, int y1) {
  ForFormat(image_.format, [&](auto luma_of, auto bytes) {
    for (int y = y0; y < y1; ++y) {
      const uint8_t* in = image_.planes[0] + static_cast<size_t>(y + y0_) * static_cast<size_t>(image_.strides[0]) +
                          static_cast<size_t>(x0_) * bytes;
      float* out = luma_.data() + static_cast<size_t>(y) * static_cast<size_t>(width_);
      int x = x0;
      // A tile at once: sums, then all of them as numbers.
      for (; x + kTile <= x1; x += kTile) {
        int32_t sums[kTile];
        luma_of.Tile(in + static_cast<size_t>(x) * bytes, bytes, sums);
        for (int k = 0; k < kTile; ++k) out[x + k] = static_cast<float>(sums[k]) * kUnit;
      }
      for (; x < x1; ++x) out[x] = static_cast<float>(luma_of(in + static_cast<size_t>(x) * bytes)) * kUnit;
    }
  });
}

float LumaPatch::Noise() const {
  constexpr size_t kSamples = 2048;
  constexpr float kLeast = 0.5F;
  if (width_ < 3) return kLeast;
  const auto columns = static_cast<size_t>(width_ - 2);
  const size_t places = columns * static_cast<size_t>(height_);
  const size_t step = std::max<size_t>(1, places / kSamples);
  RoughMedian median;
  ForFormat(image_.format, [&](auto luma_of, auto bytes) {
    const auto stride = static_cast<size_t>(image_.strides[0]);
    const uint8_t* first = image_.planes[0] + static_cast<size_t>(y0_) * stride + static_cast<size_t>(x0_) * bytes;
    size_t row = 0;
    size_t column = 0;
    for (size_t k = 0; k < places; k += step) {
      const uint8_t* at = first + row * stride + column * bytes;
      const int32_t bend = luma_of.Bend(at, at + bytes, at + 2 * bytes);
      median.Add(static_cast<float>(std::abs(bend)) * kUnit);
      for (column += step; column >= columns; column -= columns) ++row;
    }
  });
  // Of a normal distribution the median of the magnitude is 0.6745 sigma; 1, -2, 1 has sqrt(6) times the noise.
  return std::max(kLeast, median.Value() / (0.6745F * 2.4495F));
}

}  // namespace fastsamd
