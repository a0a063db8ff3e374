#include "measure/edge_profile.h"

#include <algorithm>
#include <cmath>

namespace fastsamd {
namespace {

/// Rounds of the fit, and how far one may take the deviation, in pixels.
constexpr int kRounds = 4;
constexpr double kMostChange = 0.5;
constexpr double kLeastSigma = 0.3;
constexpr double kMostSigma = 3;
/// Variance of places that are evenly spread within a sample.
constexpr double kRounding = kEdgeStep * kEdgeStep / 12;
/// An edge is placed by what lies within this many standard deviations of its blur: 85 % of what the pixels say about
/// it once the luma of either side has to be found from the same samples, and little of what lies beside it.
constexpr double kReachSigmas = 3.5;
constexpr int kLeastTaps = 3;
/// A narrower filter sees the pixel grid.
constexpr double kLeastFilterSigma = 0.9;

/// Density of the normal distribution.
double Density(double u, double sigma) { return std::exp(-u * u / (2 * sigma * sigma)) * 0.3989422804014327 / sigma; }

/// Its distribution, less a half.
double Step(double u, double sigma) { return 0.5 * std::erf(u * 0.7071067811865476 / sigma); }

constexpr int kTerms = 4;

/// Solves the normal equations, their right side in the last column; false where they are singular.
bool Solve(double (&normal)[kTerms][kTerms + 1], double (&solution)[kTerms]) {
  for (int i = 0; i < kTerms; ++i) {
    for (int j = 0; j < i; ++j) normal[i][j] = normal[j][i];
  }
  for (int i = 0; i < kTerms; ++i) {
    if (normal[i][i] < 1e-12) return false;
    for (int j = 0; j < kTerms; ++j) {
      if (j == i) continue;
      const double factor = normal[j][i] / normal[i][i];
      for (int n = i; n <= kTerms; ++n) normal[j][n] -= factor * normal[i][n];
    }
  }
  for (int i = 0; i < kTerms; ++i) solution[i] = normal[i][kTerms] / normal[i][i];
  return true;
}

using Samples = std::array<double, EdgeFilter::kMostRow>;

double Dot(const Samples& a, const Samples& b) {
  double sum = 0;
  for (size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

/// Takes away what `samples` has of `other`.
void Separate(Samples& samples, const Samples& other) {
  const double factor = Dot(samples, other) / Dot(other, other);
  for (size_t k = 0; k < samples.size(); ++k) samples[k] -= factor * other[k];
}

}  // namespace

double BlurOf(const MeanProfile& profile) {
  double center = 0;
  double sigma = 1;
  for (int round = 0; round < kRounds; ++round) {
    double normal[kTerms][kTerms + 1] = {};
    for (int k = -kMeanTaps; k <= kMeanTaps; ++k) {
      const double u = k * kEdgeStep - center;
      const double density = Density(u, sigma);
      const double terms[kTerms + 1] = {1, Step(u, sigma), -density, -density * u / sigma,
                                        profile[static_cast<size_t>(k + kMeanTaps)]};
      for (int i = 0; i < kTerms; ++i) {
        for (int j = i; j <= kTerms; ++j) normal[i][j] += terms[i] * terms[j];
      }
    }
    double solution[kTerms];
    if (!Solve(normal, solution) || solution[1] == 0) break;
    center = std::clamp(center + solution[2] / solution[1], -1.0, 1.0);
    sigma =
        std::clamp(sigma + std::clamp(solution[3] / solution[1], -kMostChange, kMostChange), kLeastSigma, kMostSigma);
  }
  return std::max(0.0, sigma * sigma - kRounding);
}

EdgeFilter EdgeFilterFor(double blur) {
  const double own = std::max(kLeastSigma, std::sqrt(blur));
  const double sigma = std::max(kLeastFilterSigma, own);
  EdgeFilter filter;
  filter.taps =
      std::clamp(static_cast<int>(std::lround(kReachSigmas * sigma / kEdgeStep)), kLeastTaps, EdgeFilter::kMostTaps);
  const auto taps = static_cast<size_t>(filter.taps);
  filter.row = (2 * taps + 2 + kLanes - 1) / kLanes * kLanes;
  for (size_t phase = 0; phase < EdgeFilter::kPhases; ++phase) {
    // As many samples on either side of the place.
    const size_t count = 2 * taps + 1 + (phase > 0 ? 1 : 0);
    Samples constant{};
    Samples slope{};
    Samples step{};
    Samples shift{};
    Samples moved{};
    for (size_t k = 0; k < count; ++k) {
      const double u =
          (static_cast<double>(k) - static_cast<double>(taps) - static_cast<double>(phase) / EdgeFilter::kPhases) *
          kEdgeStep;
      constant[k] = 1;
      slope[k] = u;
      step[k] = Step(u, own);
      shift[k] = Density(u, sigma);
      moved[k] = own == sigma ? shift[k] : Density(u, own);
    }
    Separate(step, constant);
    const double square = Dot(step, step);
    for (size_t k = 0; k < count; ++k) filter.contrast[phase][k] = static_cast<float>(step[k] / square);
    Separate(slope, constant);
    Separate(slope, step);
    for (const Samples* other : {&constant, &step, &slope}) Separate(shift, *other);
    // Moved by one pixel, an edge of contrast 1 changes by its density.
    const double response = Dot(shift, moved);
    for (size_t k = 0; k < count; ++k) filter.shift[phase][k] = static_cast<float>(-shift[k] / response);
  }
  return filter;
}

}  // namespace fastsamd
