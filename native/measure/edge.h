#pragma once

#include <cstddef>

#include "measure/luma.h"
#include "measure/point.h"

namespace fastsamd {

/// Search distance of an edge in pixels of the picture: one cell of the proto masks within these.
inline constexpr double kLeastReach = 3;
inline constexpr double kMostReach = 12;
/// A contour of which a greater share is weak, or runs into the end of the search, is refused.
inline constexpr double kMostRefused = 0.2;

/// A contour, found again in the picture.
struct RefinedContour {
  /// One per point of the outline, filtered.
  Contour points;
  /// The edge as found, before filtering; without the points where none was found.
  Contour found;
  /// Standard deviation of the found edge around the filtered one, in pixels along the normal.
  double spread = 0;
  /// Shares of the points where the gradient is below 4 times its noise, and where the edge lies at the end of the
  /// search.
  double weak = 0;
  double off = 0;

  bool accepted() const { return weak <= kMostRefused && off <= kMostRefused; }
};

/// Finds the edge along the normals of `outline` (about one point a pixel, smoothed): luma profile over +-`reach` in
/// steps of a quarter of a pixel, gradient averaged over 3 neighbours, the greatest after a Gaussian prior of
/// sigma 0.6 `reach`; from there uphill on the gradient itself, and a parabola. Searched twice more around the contour
/// found so far: a prior around the mask's outline would pull a noisy edge towards the mask. Where most of the contour
/// agrees whether the object is the brighter side, the rest is searched for that. Edges so sharp that the pixel grid
/// skews them are placed at the centroid of their gradient. The places found, without outliers, are smoothed along the
/// contour by a kernel that keeps bends, and moved back by what blur moves the edge of a bend (curvature times half
/// the variance of the blur; Verbeek and van Vliet, "On the location error of curved edges", 1994). `noise`: standard
/// deviation of the picture's noise (LumaPatch::Noise).
RefinedContour RefineContour(const LumaPatch& luma, double noise, const Contour& outline, double reach);

}  // namespace fastsamd
