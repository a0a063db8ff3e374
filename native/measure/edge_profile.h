#pragma once

#include <array>
#include <cstddef>

#include "measure/lanes.h"

namespace fastsamd {

/// The luma along the normal of a blurred edge is a + b Phi((u - c) / s), Phi the normal distribution: c the edge, s^2
/// the variance of its blur. Samples are kEdgeStep pixels apart.
inline constexpr double kEdgeStep = 0.5;

/// Samples either side of the middle of a mean profile.
inline constexpr int kMeanTaps = 8;
using MeanProfile = std::array<float, 2 * kMeanTaps + 1>;

/// Variance of the blur in square pixels, that of the pixels and of the interpolation (together 0.25) included, of a
/// profile whose edge is within a pixel of its middle: least squares by Gauss and Newton. What places that were rounded
/// to samples add to the profile is not in it.
double BlurOf(const MeanProfile& profile);

/// Finds where an edge of known blur is near a place, by least squares (a matched filter: no other linear one is less
/// sensitive to noise): the edge lies `shift` * profile / (`contrast` * profile) from the place. Constants and slopes
/// of the ground add nothing to `shift`.
struct EdgeFilter {
  /// Places are rounded to 1 / kPhases of a sample.
  static constexpr int kPhases = 2;
  /// Samples either side of the place, at most; one more behind it.
  static constexpr int kMostTaps = 10;
  static constexpr size_t kMostRow = (2 * kMostTaps + 2 + kLanes - 1) / kLanes * kLanes;
  using Weights = std::array<std::array<float, kMostRow>, kPhases>;

  int taps = 0;
  /// A multiple of kLanes; the weights behind the taps are 0.
  size_t row = 0;
  Weights shift{};
  Weights contrast{};
};

/// `blur`: of BlurOf.
EdgeFilter EdgeFilterFor(double blur);

}  // namespace fastsamd
