#include "measure/luma.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "measure/lanes.h"
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
  /// Of kTile pixels. All sums are integers that are floats, too: products of these are made several at a time.
  template <size_t kBytes>
  void Tile(const uint8_t* pixels, float* out) const {
    // Words of 32 bit, little-endian, of which the lower bytes are the pixel. The last one begins a byte earlier:
    // nothing may lie behind it.
    const auto word = [pixels](size_t k) {
      int32_t bits;
      std::memcpy(&bits, pixels + k * kBytes, sizeof bits);
      return bits;
    };
    int32_t last;
    std::memcpy(&last, pixels + (kTile - 1) * kBytes - 1, sizeof last);
    for (size_t k = 0; k < kTile; k += kLanes) {
      const IntLanes four = {word(k), word(k + 1), word(k + 2), k + kLanes < kTile ? word(k + 3) : last >> 8};
      const Lanes a = __builtin_convertvector(four & 255, Lanes);
      const Lanes b = __builtin_convertvector((four >> 8) & 255, Lanes);
      const Lanes c = __builtin_convertvector((four >> 16) & 255, Lanes);
      const Lanes sums = a * static_cast<float>(first) + b * static_cast<float>(kGreen) + c * static_cast<float>(third);
      Store(sums * kUnit, out + k);
    }
  }
  /// Magnitudes of the second difference of three pixels each, the first ones at `pixels`.
  template <size_t kBytes>
  Lanes Bends(const uint8_t* const (&pixels)[kLanes]) const {
    const auto words = [&pixels](size_t offset) {
      int32_t bits[kLanes];
      for (size_t k = 0; k < kLanes; ++k) std::memcpy(&bits[k], pixels[k] + offset, sizeof bits[k]);
      return IntLanes{bits[0], bits[1], bits[2], bits[3]};
    };
    // Words as in Tile, of the last pixels a byte earlier.
    const IntLanes before = words(0);
    const IntLanes at = words(kBytes);
    const IntLanes after = words(2 * kBytes - 1) >> 8;
    const auto bend = [&](int32_t shift) {
      const IntLanes sides = ((before >> shift) & 255) + ((after >> shift) & 255);
      return __builtin_convertvector(sides - 2 * ((at >> shift) & 255), Lanes);
    };
    // Luma is linear: that of the second differences is the second difference of the luma.
    const Lanes bends = bend(0) * static_cast<float>(first) + bend(8) * static_cast<float>(kGreen) +
                        bend(16) * static_cast<float>(third);
    return (bends < 0 ? -bends : bends) * kUnit;
  }
};

/// The luma of a pixel that has its own plane, in kUnit.
struct PlanarLuma {
  int32_t operator()(const uint8_t* pixel) const { return *pixel << 16; }
  template <size_t kBytes>
  void Tile(const uint8_t* pixels, float* out) const {
    for (size_t k = 0; k < kTile; ++k) out[k] = pixels[k * kBytes];
  }
  template <size_t kBytes>
  Lanes Bends(const uint8_t* const (&pixels)[kLanes]) const {
    const auto bend = [&pixels](size_t k) {
      return static_cast<float>(std::abs(pixels[k][0] - 2 * pixels[k][kBytes] + pixels[k][2 * kBytes]));
    };
    return Lanes{bend(0), bend(1), bend(2), bend(3)};
  }
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

/// Two neighbouring numbers from each of two places. They are fetched as one of twice the size, of which only the bits
/// count.
inline Lanes PairsAt(const float* values, int32_t a, int32_t b) {
  using Pairs = double __attribute__((vector_size(sizeof(Lanes))));
  double first;
  double second;
  std::memcpy(&first, values + a, sizeof first);
  std::memcpy(&second, values + b, sizeof second);
  const Pairs pairs = {first, second};
  Lanes lanes;
  std::memcpy(&lanes, &pairs, sizeof lanes);
  return lanes;
}

}  // namespace

LumaPatch::LumaPatch(const ImageView& image, int x0, int y0, int x1, int y1) {
  Open(image, x0, y0, x1, y1);
  Cover(0, 0, static_cast<float>(width_), static_cast<float>(height_));
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
  seen_ = {};
}

void LumaPatch::Along(double x, double y, double dx, double dy, int count, float* out) {
  const float u = static_cast<float>(x - x0_) - 0.5F;
  const float v = static_cast<float>(y - y0_) - 0.5F;
  const auto du = static_cast<float>(dx);
  const auto dv = static_cast<float>(dy);
  const float last_u = u + static_cast<float>(count - 1) * du;
  const float last_v = v + static_cast<float>(count - 1) * dv;
  const float left = std::min(u, last_u);
  const float right = std::max(u, last_u);
  const float top = std::min(v, last_v);
  const float bottom = std::max(v, last_v);
  if (left < seen_.left || top < seen_.top || right >= seen_.right || bottom >= seen_.bottom) {
    Cover(left, top, right, bottom);
  }
  const bool inside =
      left >= 0.0F && top >= 0.0F && right < static_cast<float>(width_ - 1) && bottom < static_cast<float>(height_ - 1);
  if (!inside || static_cast<int64_t>(width_) * height_ >= kMostExact) {
    for (int k = 0; k < count; ++k) out[k] = At(x + dx * k, y + dy * k);
    return;
  }
  // First all places, which need no pixels; then the pixels, whose fetching is most of the work.
  constexpr auto kAtOnce = static_cast<int>(kLanes);
  int32_t at[kMostAlong];
  float a[kMostAlong];
  float b[kMostAlong];
  const auto row = static_cast<float>(width_);
  Lanes n = {0, 1, 2, 3};
  for (int k = 0; k < count; k += kAtOnce, n += static_cast<float>(kAtOnce)) {
    const Lanes p = u + n * du;
    const Lanes q = v + n * dv;
    const Lanes i = __builtin_convertvector(__builtin_convertvector(p, IntLanes), Lanes);
    const Lanes j = __builtin_convertvector(__builtin_convertvector(q, IntLanes), Lanes);
    Store(p - i, a + k);
    Store(q - j, b + k);
    // Exact as a float: below kMostExact.
    const IntLanes places = __builtin_convertvector(j * row + i, IntLanes);
    std::memcpy(at + k, &places, sizeof places);
  }
  const float* above = luma_.data();
  const float* below = above + width_;
  for (int k = 0; k < count; k += kAtOnce) {
    const Lanes above01 = PairsAt(above, at[k], at[k + 1]);
    const Lanes above23 = PairsAt(above, at[k + 2], at[k + 3]);
    const Lanes below01 = PairsAt(below, at[k], at[k + 1]);
    const Lanes below23 = PairsAt(below, at[k + 2], at[k + 3]);
    const Lanes down = Load(b + k);
    const Lanes between01 = above01 + Lanes{down[0], down[0], down[1], down[1]} * (below01 - above01);
    const Lanes between23 = above23 + Lanes{down[2], down[2], down[3], down[3]} * (below23 - above23);
    const Lanes before = {between01[0], between01[2], between23[0], between23[2]};
    const Lanes after = {between01[1], between01[3], between23[1], between23[3]};
    Store(before + Load(a + k) * (after - before), out + k);
  }
}

void LumaPatch::Cover(float left, float top, float right, float bottom) {
  const auto tile = [](float at, int most) { return std::clamp(static_cast<int>(at), 0, std::max(0, most)) / kTile; };
  // At and between pixels two are needed, of the border the one before it, too.
  const int first_column = tile(left, width_ - 2);
  const int last_column = tile(right + 1, width_ - 1);
  const int first_row = tile(top, height_ - 2);
  const int last_row = tile(bottom + 1, height_ - 1);
  seen_ = {static_cast<float>(first_column * kTile), static_cast<float>(first_row * kTile),
           static_cast<float>((last_column + 1) * kTile - 1), static_cast<float>((last_row + 1) * kTile - 1)};
  const int columns = (width_ + kTile - 1) / kTile;
  for (int ty = first_row; ty <= last_row; ++ty) {
    for (int tx = first_column; tx <= last_column; ++tx) {
      uint8_t& covered = covered_[static_cast<size_t>(ty) * static_cast<size_t>(columns) + static_cast<size_t>(tx)];
      if (covered != 0) continue;
      covered = 1;
      Convert(tx, ty);
    }
  }
}

void LumaPatch::Convert(int tile_x, int tile_y) {
  const int x0 = tile_x * kTile;
  const int y0 = tile_y * kTile;
  const int y1 = std::min(height_, y0 + kTile);
  const int columns = std::min(width_ - x0, kTile);
  ForFormat(image_.format, [&](auto luma_of, auto bytes) {
    for (int y = y0; y < y1; ++y) {
      const uint8_t* in = image_.planes[0] + static_cast<size_t>(y + y0_) * static_cast<size_t>(image_.strides[0]) +
                          static_cast<size_t>(x0 + x0_) * bytes;
      float* out = luma_.data() + static_cast<size_t>(y) * static_cast<size_t>(width_) + x0;
      if (columns == kTile) {
        luma_of.template Tile<decltype(bytes)::value>(in, out);
      } else {
        for (int k = 0; k < columns; ++k) {
          out[k] = static_cast<float>(luma_of(in + static_cast<size_t>(k) * bytes)) * kUnit;
        }
      }
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
    const uint8_t* row = image_.planes[0] + static_cast<size_t>(y0_) * stride + static_cast<size_t>(x0_) * bytes;
    size_t column = 0;
    const auto next = [&] {
      const uint8_t* at = row + column * bytes;
      for (column += step; column >= columns; column -= columns) row += stride;
      return at;
    };
    const size_t count = (places + step - 1) / step;
    size_t k = 0;
    for (; k + kLanes <= count; k += kLanes) {
      const uint8_t* at[kLanes] = {next(), next(), next(), next()};
      median.Add(luma_of.template Bends<decltype(bytes)::value>(at));
    }
    for (; k < count; ++k) {
      const uint8_t* at = next();
      const uint8_t* same[kLanes] = {at, at, at, at};
      median.Add(luma_of.template Bends<decltype(bytes)::value>(same)[0]);
    }
  });
  // Of a normal distribution the median of the magnitude is 0.6745 sigma; 1, -2, 1 has sqrt(6) times the noise.
  return std::max(kLeast, median.Value() / (0.6745F * 2.4495F));
}

}  // namespace fastsamd
