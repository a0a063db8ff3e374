#include "core/phase_correlation.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <utility>

namespace fastsamd {
namespace {

constexpr int kPhaseWidth = 128;
constexpr int kPhaseHeight = 64;

float Bilinear(const GreyImage& image, float x, float y) {
  const float px = std::clamp(x, 0.0F, static_cast<float>(image.width - 1) - 0.001F);
  const float py = std::clamp(y, 0.0F, static_cast<float>(image.height - 1) - 0.001F);
  const int ix = static_cast<int>(px);
  const int iy = static_cast<int>(py);
  const float fx = px - static_cast<float>(ix);
  const float fy = py - static_cast<float>(iy);
  const float top = image.At(ix, iy) + fx * (image.At(ix + 1, iy) - image.At(ix, iy));
  const float bottom = image.At(ix, iy + 1) + fx * (image.At(ix + 1, iy + 1) - image.At(ix, iy + 1));
  return top + fy * (bottom - top);
}

using Complex = std::complex<float>;

/// In place, of a power of two of elements `stride` apart; Cooley and Tukey 1965.
void Fft(Complex* data, size_t count, size_t stride, bool inverse) {
  for (size_t i = 1, j = 0; i < count; ++i) {
    size_t bit = count >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(data[i * stride], data[j * stride]);
  }
  for (size_t length = 2; length <= count; length <<= 1) {
    const float angle = (inverse ? 2.0F : -2.0F) * 3.14159265F / static_cast<float>(length);
    for (size_t k = 0; k < length / 2; ++k) {
      const Complex twiddle = std::polar(1.0F, angle * static_cast<float>(k));
      for (size_t i = k; i < count; i += length) {
        Complex& even = data[i * stride];
        Complex& odd = data[(i + length / 2) * stride];
        const Complex turned = odd * twiddle;
        odd = even - turned;
        even += turned;
      }
    }
  }
}

void Fft2(std::vector<Complex>& grid, bool inverse) {
  for (size_t y = 0; y < kPhaseHeight; ++y) Fft(grid.data() + y * kPhaseWidth, kPhaseWidth, 1, inverse);
  for (size_t x = 0; x < kPhaseWidth; ++x) Fft(grid.data() + x, kPhaseHeight, kPhaseWidth, inverse);
}

/// The picture at 128 x 64 with a window that lets its borders fade out.
std::vector<Complex> Windowed(const GreyImage& image) {
  std::vector<Complex> grid(static_cast<size_t>(kPhaseWidth) * kPhaseHeight);
  float mean = 0.0F;
  for (const float pixel : image.pixels) mean += pixel;
  mean /= static_cast<float>(image.pixels.size());
  const auto fade = [](int i, int n) {
    return 0.5F - 0.5F * std::cos(6.2831853F * (static_cast<float>(i) + 0.5F) / static_cast<float>(n));
  };
  for (int y = 0; y < kPhaseHeight; ++y) {
    for (int x = 0; x < kPhaseWidth; ++x) {
      const float u = (static_cast<float>(x) + 0.5F) * static_cast<float>(image.width) / kPhaseWidth - 0.5F;
      const float v = (static_cast<float>(y) + 0.5F) * static_cast<float>(image.height) / kPhaseHeight - 0.5F;
      grid[static_cast<size_t>(y) * kPhaseWidth + static_cast<size_t>(x)] =
          (Bilinear(image, u, v) - mean) * fade(x, kPhaseWidth) * fade(y, kPhaseHeight);
    }
  }
  return grid;
}

}  // namespace

Shift PhaseShift(const GreyImage& before, const GreyImage& now) {
  std::vector<Complex> a = Windowed(before);
  std::vector<Complex> b = Windowed(now);
  Fft2(a, false);
  Fft2(b, false);
  for (size_t k = 0; k < a.size(); ++k) {
    const Complex product = b[k] * std::conj(a[k]);
    const float size = std::abs(product);
    a[k] = size > 1e-6F ? product / size : Complex{};
  }
  Fft2(a, true);
  const auto peak = static_cast<int>(
      std::max_element(a.begin(), a.end(), [](const Complex& p, const Complex& q) { return p.real() < q.real(); }) -
      a.begin());
  int px = peak % kPhaseWidth;
  int py = peak / kPhaseWidth;
  if (px > kPhaseWidth / 2) px -= kPhaseWidth;
  if (py > kPhaseHeight / 2) py -= kPhaseHeight;
  return {static_cast<double>(px) * now.width / kPhaseWidth, static_cast<double>(py) * now.height / kPhaseHeight};
}

}  // namespace fastsamd
