#include "core/lucas_kanade.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace fastsamd {
namespace {

/// The window of Lucas-Kanade is 2 * kRadius + 1 pixels a side.
constexpr int kRadius = 5;
constexpr int kIterations = 6;
/// A step below this, in pixels, ends the iteration.
constexpr float kConverged = 0.01F;
/// Mean difference of the windows, in grey levels, beyond which a point is lost.
constexpr float kMostDifference = 20.0F;
constexpr int kSide = 2 * kRadius + 1;

/// A square of a picture around a point between its pixels, `kSize` pixels a side. Rows are padded to a multiple of
/// four floats, as many as the narrowest vectors hold.
template <int kSize>
struct Patch {
  static constexpr int kStride = (kSize + 3) / 4 * 4;
  std::array<float, static_cast<size_t>(kSize) * kStride> pixels;

  const float* Row(int y) const { return pixels.data() + static_cast<ptrdiff_t>(y) * kStride; }
};

/// Bilinear, all with the same four weights. The border of the picture goes on beyond it.
template <int kSize>
void Cut(const GreyImage& image, float centre_x, float centre_y, Patch<kSize>& patch) {
  constexpr int kStride = Patch<kSize>::kStride;
  // Further out than this there is only border.
  const float px = std::clamp(centre_x, static_cast<float>(-kSize), static_cast<float>(image.width + kSize));
  const float py = std::clamp(centre_y, static_cast<float>(-kSize), static_cast<float>(image.height + kSize));
  const float left = std::floor(px);
  const float top = std::floor(py);
  const float fx = px - left;
  const float fy = py - top;
  const int x0 = static_cast<int>(left) - kSize / 2;
  const int y0 = static_cast<int>(top) - kSize / 2;
  // One more than the padded row, as each pixel is a mean with its right neighbour.
  std::array<float, kStride + 1> edge;
  std::array<float, kStride> above;
  std::array<float, kStride> below;
  const bool inside = x0 >= 0 && x0 + kStride < image.width;
  const auto between = [&](int y, std::array<float, kStride>& row) {
    const float* from = image.pixels.data() + static_cast<ptrdiff_t>(std::clamp(y, 0, image.height - 1)) *
                                                  static_cast<ptrdiff_t>(image.width);
    if (!inside) {
      for (int x = 0; x <= kStride; ++x) edge[static_cast<size_t>(x)] = from[std::clamp(x0 + x, 0, image.width - 1)];
    }
    const float* in = inside ? from + x0 : edge.data();
    for (int x = 0; x < kStride; ++x) row[static_cast<size_t>(x)] = in[x] + fx * (in[x + 1] - in[x]);
  };
  between(y0, above);
  float* out = patch.pixels.data();
  for (int y = 0; y < kSize; ++y, out += kStride) {
    between(y0 + y + 1, below);
    for (size_t x = 0; x < kStride; ++x) out[x] = above[x] + fy * (below[x] - above[x]);
    above = below;
  }
}

}  // namespace

/// Sums are kept by the column of the window, which vectors can add.
bool FollowWindow(const GreyImage& from, const GreyImage& to, float x0, float y0, float& x1, float& y1, bool finest) {
  // Wider by one pixel on each side, for the gradients.
  Patch<kSide + 2> wide;
  Cut(from, x0, y0, wide);
  Patch<kSide> window;
  Patch<kSide> gradient_x;
  Patch<kSide> gradient_y;
  constexpr size_t kStride = Patch<kSide>::kStride;
  using Columns = std::array<float, kStride>;
  const auto total = [](const Columns& columns) {
    float sum = 0.0F;
    for (const float column : columns) sum += column;
    return sum;
  };
  Columns xx{};
  Columns xy{};
  Columns yy{};
  for (int y = 0; y < kSide; ++y) {
    const float* above = wide.Row(y);
    const float* here = wide.Row(y + 1);
    const float* below = wide.Row(y + 2);
    const size_t row = static_cast<size_t>(y) * kStride;
    for (size_t x = 0; x < kStride; ++x) {
      // The padding counts for nothing.
      const float weight = x < static_cast<size_t>(kSide) ? 0.5F : 0.0F;
      const float gx = weight * (here[x + 2] - here[x]);
      const float gy = weight * (below[x + 1] - above[x + 1]);
      window.pixels[row + x] = here[x + 1];
      gradient_x.pixels[row + x] = gx;
      gradient_y.pixels[row + x] = gy;
      xx[x] += gx * gx;
      xy[x] += gx * gy;
      yy[x] += gy * gy;
    }
  }
  const float sum_xx = total(xx);
  const float sum_xy = total(xy);
  const float sum_yy = total(yy);
  const float determinant = sum_xx * sum_yy - sum_xy * sum_xy;
  if (determinant < 1.0F) return !finest;
  float difference = 0.0F;
  Patch<kSide> seen;
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    Cut(to, x1, y1, seen);
    Columns sums_x{};
    Columns sums_y{};
    Columns differences{};
    for (size_t row = 0; row < seen.pixels.size(); row += kStride) {
      for (size_t x = 0; x < kStride; ++x) {
        const float error = window.pixels[row + x] - seen.pixels[row + x];
        sums_x[x] += error * gradient_x.pixels[row + x];
        sums_y[x] += error * gradient_y.pixels[row + x];
        differences[x] += std::abs(error);
      }
    }
    for (size_t x = kSide; x < kStride; ++x) differences[x] = 0.0F;
    const float bx = total(sums_x);
    const float by = total(sums_y);
    difference = total(differences);
    const float step_x = (sum_yy * bx - sum_xy * by) / determinant;
    const float step_y = (sum_xx * by - sum_xy * bx) / determinant;
    x1 += step_x;
    y1 += step_y;
    if (std::abs(step_x) < kConverged && std::abs(step_y) < kConverged) break;
  }
  const bool inside =
      x1 >= 0.0F && y1 >= 0.0F && x1 <= static_cast<float>(to.width - 1) && y1 <= static_cast<float>(to.height - 1);
  return inside && (!finest || difference / static_cast<float>(kSide * kSide) <= kMostDifference);
}

}  // namespace fastsamd
