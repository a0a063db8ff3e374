#pragma once

#include "core/image.h"
#include "measure/edge.h"
#include "measure/luma.h"
#include "measure/measure.h"
#include "measure/plane.h"

namespace fastsamd {

/// An object as the picture shows it.
struct RefinedShape {
  /// Those of the mask where the edge was refused.
  Measures measures;
  /// Standard uncertainty of each measure from the scatter of the edge; NaN where the measure comes from the mask, or
  /// the scatter does not say.
  Measures uncertainties;
  /// Outlines found again, or those of the mask where the edge was refused.
  std::vector<Contour> outlines;
  std::vector<Contour> holes;
  bool refined = false;
  /// Shares of the outline, see RefinedContour.
  double weak = 0;
  double off = 0;
};

/// Finds the outlines of one measured mask after another again in the picture, and keeps its memory from one to the
/// next.
class Refiner {
 public:
  /// Measures the outline that the picture shows. Length and width are distances of opposite edges, each fitted as a
  /// line, at mid-length; where the edges are not straight they are those of the rectangle of least area, without
  /// uncertainty. The ellipse stays that of the mask.
  /// `image` must be valid (Validate) and of the size of the mask's frame; `reach` in pixels, see kLeastReach. With a
  /// plane everything is measured there, in its units, from the outlines; the outlines that are handed out stay those
  /// of the picture.
  /// Of `mask` no groups are needed, but of those of a shape whose edge is refused.
  RefinedShape Refine(const ImageView& image, const MaskShape& mask, double reach, const Plane* plane = nullptr,
                      const MeasureGroups& groups = {});

 private:
  LumaPatch luma_;
  EdgeFinder edges_;
};

/// One mask alone; see Refiner.
RefinedShape RefineShape(const ImageView& image, const MaskShape& mask, double reach, const Plane* plane = nullptr);

/// A shape of which only the mask is known.
RefinedShape Unrefined(MaskShape mask, const Plane* plane = nullptr, const MeasureGroups& groups = {});

}  // namespace fastsamd
