#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measure/bends.h"
#include "measure/edge_profile.h"
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

/// Finds contours again in a picture. Reused for one contour after another, it keeps its memory.
///
/// Along the normals of an outline the luma is sampled over +-`reach` and 5 px more in steps of half a pixel; its
/// gradient is averaged over 3 neighbours, and the edge is the greatest after a Gaussian prior of sigma 0.6 `reach`;
/// from there uphill on the gradient itself, and a parabola. Where most of the contour agrees whether the object is the
/// brighter side, the rest is searched for that. The mean profile around the contour found so far says how blurred the
/// edges are; a filter for that blur (EdgeFilter) then places each of them, and takes from noise what can be taken. The
/// places, without outliers, are smoothed along the contour by a kernel that keeps bends, and moved back by what blur
/// moves the edge of a bend (curvature times half the variance of the blur; Verbeek and van Vliet, "On the location
/// error of curved edges", 1994).
class EdgeFinder {
 public:
  /// `outline`: about one point a pixel, smoothed. `luma` has to reach MarginFor(reach) beyond it. `noise`:
  /// standard deviation of the picture's noise (LumaPatch::Noise). `reach`: kLeastReach to kMostReach.
  RefinedContour Find(LumaPatch& luma, double noise, const Contour& outline, double reach);

  /// How far from the outline pixels are looked at.
  static double MarginFor(double reach);

 private:
  enum class State : uint8_t { kFound, kWeak, kOff };

  void TakeNormals(const Contour& outline);
  /// `count` samples of the profile at point i, from the `first` one on.
  void Sample(LumaPatch& luma, const Contour& outline, size_t i, int first, int count);
  /// The profile at point i from its `first` to its `last` sample. What lies beyond the search is sampled when it is
  /// needed.
  const float* Profile(LumaPatch& luma, const Contour& outline, size_t i, int first, int last);
  /// Fills `profiles_` and `gradients_`, and searches all around the outline.
  void TakeGradients(LumaPatch& luma, const Contour& outline, float threshold);
  /// The edges at the point `first` and those after it, as many as lanes, of either polarity.
  void SearchAtOnce(size_t first, float threshold);
  /// The edge at point i. `polarity`: 1 for brighter outside, -1 for brighter inside, 0 for either.
  void Search(size_t i, int polarity, float threshold);
  /// Offsets of all points from those that were found: a median of the found ones among kMedianOf neighbours, the
  /// nearest where none of these was found, 0 where there is none at all; then smoothed.
  void FilterOffsets();
  /// The offset at point i: the nearest that were found, on either side.
  float NearestOffset(size_t i) const;
  /// Sum of the profiles of the edges that were found, around the filtered offsets; brighter at the end.
  MeanProfile Mean(LumaPatch& luma, const Contour& outline);
  /// The offsets of edges that were found, from the filtered ones by a filter. Weak ones that the filter, over
  /// neighbours, sees as clearly as the others are found, too. Those of which one side is darker than
  /// `darkest` or brighter than `brightest` stay where they are: the scale cuts the profile off, which moves its
  /// middle, but not its steepest place.
  void Match(LumaPatch& luma, const Contour& outline, const EdgeFilter& filter, float darkest, float brightest);

  /// Points of the contour, and the search either way in samples.
  size_t count_ = 0;
  int reach_ = 0;
  /// The prior at each gradient of a row; 0 beyond the search.
  std::vector<float> prior_;

  // One per point.
  std::vector<float> normal_x_;
  std::vector<float> normal_y_;
  /// The edge in pixels along the normal, its gradient along the polarity, and whether it counts.
  std::vector<float> offsets_;
  std::vector<float> strengths_;
  std::vector<State> states_;
  /// The strongest gradient of a row.
  std::vector<int32_t> places_;
  std::vector<float> filtered_;
  /// Where the filter looked, in pixels along the normal, how far from there the edge is, and the edges' contrasts.
  std::vector<float> centers_;
  std::vector<float> shifts_;
  std::vector<float> contrasts_;

  // Rows of samples, one per point: the luma along the normal, kBeyond samples more on either side than the search, and
  // gradients after all averaging, kFit more.
  std::vector<float> profiles_;
  std::vector<float> gradients_;
  /// Whether a profile has its samples before and behind those of the search.
  std::vector<uint8_t> has_begin_;
  std::vector<uint8_t> has_end_;

  // A ring with neighbours on either side, as an unbroken array.
  std::vector<float> around_;
  Bends bends_;
};

}  // namespace fastsamd
