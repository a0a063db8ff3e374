// Filters over the values of an outline's points, which follow each other in a ring.

#include "measure/ring.h"

#include <array>
#include <cmath>

namespace fastsamd {
namespace {

constexpr double kSigma = 2;
constexpr size_t kWeights = 2 * kGaussianAway + 1;

/// Puts the smaller one first.
inline void Order(float& a, float& b) {
  const float least = std::min(a, b);
  b = std::max(a, b);
  a = least;
}

/// Weights of a Gaussian of kSigma, their sum 1.
std::array<float, kWeights> GaussianWeights() {
  constexpr auto kAway = static_cast<int>(kGaussianAway);
  std::array<float, kWeights> weights{};
  double sum = 0;
  for (int k = -kAway; k <= kAway; ++k) sum += std::exp(-k * k / (2 * kSigma * kSigma));
  for (int k = -kAway; k <= kAway; ++k) {
    weights[static_cast<size_t>(k + kAway)] = static_cast<float>(std::exp(-k * k / (2 * kSigma * kSigma)) / sum);
  }
  return weights;
}

}  // namespace

/// An exchange network (Paeth, "Median finding on a 3x3 grid", 1990), which has no branches.
void MediansOfNine(const float* __restrict in, size_t count, float* __restrict out) {
  static_assert(kMedianOf == 9);
  for (size_t i = 0; i < count; ++i) {
    float a = in[i];
    float b = in[i + 1];
    float c = in[i + 2];
    float d = in[i + 3];
    float e = in[i + 4];
    float f = in[i + 5];
    float g = in[i + 6];
    float h = in[i + 7];
    float j = in[i + 8];
    Order(b, c), Order(e, f), Order(h, j);
    Order(a, b), Order(d, e), Order(g, h);
    Order(b, c), Order(e, f), Order(h, j);
    Order(a, d), Order(f, j), Order(e, h);
    Order(d, g), Order(b, e), Order(c, f);
    Order(e, h), Order(e, c), Order(g, e);
    Order(e, c);
    out[i] = e;
  }
}

void GaussianMeans(const float* __restrict in, size_t count, float* __restrict out) {
  static const std::array<float, kWeights> weights = GaussianWeights();
  for (size_t i = 0; i < count; ++i) {
    float sum = 0;
    for (size_t k = 0; k < kWeights; ++k) sum += weights[k] * in[i + k];
    out[i] = sum;
  }
}

}  // namespace fastsamd
