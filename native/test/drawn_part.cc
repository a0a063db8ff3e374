#include "drawn_part.h"

#include <algorithm>
#include <cmath>

namespace fastsamd {
namespace {

constexpr double kPi = 3.14159265358979323846;
/// Samples of a pixel either way, where an edge passes.
constexpr int kFine = 8;

double Normal(Random& random) {
  return std::sqrt(-2 * std::log(1 - random.Next())) * std::cos(2 * kPi * random.Next());
}

double Coverage(const DrawnPart& part, int x, int y) {
  const double distance = part.DistanceAt(x + 0.5, y + 0.5);
  if (distance > 0.75) return 0;
  if (distance < -0.75) return 1;
  int inside = 0;
  for (int j = 0; j < kFine; ++j) {
    for (int i = 0; i < kFine; ++i) inside += part.DistanceAt(x + (i + 0.5) / kFine, y + (j + 0.5) / kFine) < 0;
  }
  return static_cast<double>(inside) / (kFine * kFine);
}

/// Along x (stride 1) or y.
void Blur(std::vector<double>& values, int side, double sigma, bool rows) {
  if (sigma <= 0) return;
  const int radius = static_cast<int>(std::ceil(4 * sigma));
  std::vector<double> weights;
  double sum = 0;
  for (int k = -radius; k <= radius; ++k) {
    weights.push_back(std::exp(-k * k / (2 * sigma * sigma)));
    sum += weights.back();
  }
  const std::vector<double> in = values;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      double value = 0;
      for (int k = -radius; k <= radius; ++k) {
        const int i = rows ? std::clamp(x + k, 0, side - 1) : x;
        const int j = rows ? y : std::clamp(y + k, 0, side - 1);
        value += weights[static_cast<size_t>(k + radius)] * in[static_cast<size_t>(j * side + i)];
      }
      values[static_cast<size_t>(y * side + x)] = value / sum;
    }
  }
}

}  // namespace

double DrawnPart::DistanceAt(double px, double py) const {
  if (shape == Shape::kDisc) return std::hypot(px - x, py - y) - radius;
  const double c = std::cos(degrees * kPi / 180);
  const double s = std::sin(degrees * kPi / 180);
  const double along = std::abs(c * (px - x) + s * (py - y)) - length / 2;
  const double across = std::abs(c * (py - y) - s * (px - x)) - width / 2;
  if (along > 0 && across > 0) return std::hypot(along, across);
  return std::max(along, across);
}

ImageView DrawnPicture::View() const {
  ImageView view;
  view.width = view.height = side;
  view.planes[0] = rgb.data();
  view.strides[0] = 3 * side;
  return view;
}

DrawnPicture DrawPart(const DrawnPart& part, int side, Random& random) {
  DrawnPicture picture{side, std::vector<uint8_t>(static_cast<size_t>(3 * side * side)), {}};
  std::vector<double> grey(static_cast<size_t>(side * side));
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) grey[static_cast<size_t>(y * side + x)] = part.contrast * Coverage(part, x, y);
  }
  Blur(grey, side, part.blur, true);
  Blur(grey, side, part.blur, false);
  const double direction = 2 * kPi * random.Next();
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const double slope = (std::cos(direction) * x + std::sin(direction) * y) / side * part.gradient;
      const double value = grey[static_cast<size_t>(y * side + x)] + 70 + slope + part.noise * Normal(random);
      for (int c = 0; c < 3; ++c) {
        picture.rgb[static_cast<size_t>(3 * (y * side + x) + c)] =
            static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
      }
    }
  }

  const double dx = random.Between(-1, 1);
  const double dy = random.Between(-1, 1);
  const double grown = random.Between(-1, 1);
  const double phase = 2 * kPi * random.Next();
  for (int x = 0; x < side; ++x) {
    for (int y = 0; y < side; ++y) {
      const double px = x + 0.5 - dx;
      const double py = y + 0.5 - dy;
      const double wobble = 0.7 * std::sin(5 * std::atan2(py - part.y, px - part.x) + phase);
      if (part.DistanceAt(px, py) >= grown + wobble) continue;
      const auto pixel = static_cast<uint32_t>(x * side + y);
      if (!picture.mask.empty() && picture.mask.back().end == pixel) {
        picture.mask.back().end = pixel + 1;
      } else {
        picture.mask.push_back({pixel, pixel + 1});
      }
    }
  }
  return picture;
}

}  // namespace fastsamd
