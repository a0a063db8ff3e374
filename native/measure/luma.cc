#include "measure/luma.h"

#include <cmath>
#include <cstdint>

namespace fastsamd {

LumaPatch::LumaPatch(const ImageView& image, int x0, int y0, int x1, int y1)
    : x0_(std::clamp(x0, 0, image.width - 1)),
      y0_(std::clamp(y0, 0, image.height - 1)),
      width_(std::clamp(x1, x0_ + 1, image.width) - x0_),
      height_(std::clamp(y1, y0_ + 1, image.height) - y0_),
      luma_(static_cast<size_t>(width_) * static_cast<size_t>(height_)) {
  const bool planar = image.format == PixelFormat::kNv12 || image.format == PixelFormat::kI420;
  const int bytes = planar ? 1 : image.format == PixelFormat::kRgba ? 4 : 3;
  const float red = image.format == PixelFormat::kBgr ? 0.114F : 0.299F;
  const float blue = image.format == PixelFormat::kBgr ? 0.299F : 0.114F;
  for (int y = 0; y < height_; ++y) {
    const uint8_t* in = image.planes[0] + static_cast<size_t>(y + y0_) * static_cast<size_t>(image.strides[0]) +
                        static_cast<size_t>(x0_) * static_cast<size_t>(bytes);
    float* out = luma_.data() + static_cast<size_t>(y) * static_cast<size_t>(width_);
    if (planar) {
      for (int x = 0; x < width_; ++x) out[x] = in[x];
    } else {
      for (int x = 0; x < width_; ++x) {
        out[x] = red * in[x * bytes] + 0.587F * in[x * bytes + 1] + blue * in[x * bytes + 2];
      }
    }
  }
}

float LumaPatch::Noise() const {
  constexpr size_t kSamples = 2048;
  constexpr float kLeast = 0.5F;
  if (width_ < 3) return kLeast;
  const size_t places = static_cast<size_t>(width_ - 2) * static_cast<size_t>(height_);
  const size_t step = std::max<size_t>(1, places / kSamples);
  std::vector<float> differences;
  differences.reserve(places / step + 1);
  for (size_t k = 0; k < places; k += step) {
    const size_t row = k / static_cast<size_t>(width_ - 2);
    const float* at = luma_.data() + row * static_cast<size_t>(width_) + k % static_cast<size_t>(width_ - 2);
    differences.push_back(std::abs(at[0] - 2 * at[1] + at[2]));
  }
  const auto middle = differences.begin() + static_cast<std::ptrdiff_t>(differences.size() / 2);
  std::nth_element(differences.begin(), middle, differences.end());
  // Of a normal distribution the median of the magnitude is 0.6745 sigma; 1, -2, 1 has sqrt(6) times the noise.
  return std::max(kLeast, *middle / (0.6745F * 2.4495F));
}

}  // namespace fastsamd
