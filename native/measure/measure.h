#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/result.h"
#include "core/segments.h"
#include "measure/point.h"

namespace fastsamd {

/// What is measured of one object, in the order of the packed results. Lengths in pixels, areas in px^2, angles in
/// degrees in (-90, 90], clockwise on screen; NaN where a measure is undefined. docs/inspection.md has the definitions.
enum class Measure : uint8_t {
  kArea,
  kAreaFilled,
  kX,
  kY,
  kMajor,
  kMinor,
  kEllipseAngle,
  kPerimeter,
  kCircularity,
  kRoundness,
  kConvexity,
  kRectangularity,
  kLength,
  kWidth,
  kOrientation,
  kFeretMax,
  kFeretMin,
  kAspect,
  kElongation,
  kDiameter,
  kCircleX,
  kCircleY,
  kCircleDiameter,
  kCircleRms,
  kHoles,
  kHoleArea,
  kTouchesFrame,
  kCount,
};
inline constexpr size_t kMeasures = static_cast<size_t>(Measure::kCount);

/// The names of the measures in that order, as the library and the command line spell them.
extern const char* const kMeasureNames[kMeasures];

/// Values of one object.
struct Measures {
  double values[kMeasures];

  double& operator[](Measure measure) { return values[static_cast<size_t>(measure)]; }
  double operator[](Measure measure) const { return values[static_cast<size_t>(measure)]; }
};

/// Measures that take time of their own, and are NaN unless they are asked for.
struct MeasureGroups {
  /// Convexity, rectangularity, length, width, orientation, Feret, aspect, elongation.
  bool hull = true;
  /// The circle fitted to the outline.
  bool circle = true;
};

/// Above this width / length the long side of a shape cannot be told from its short side: no orientation.
inline constexpr double kMostAspect = 0.95;

/// An object as its mask shows it.
struct MaskShape {
  Measures measures;
  /// Smoothed outlines, one per part of the mask, the largest first.
  std::vector<Contour> outlines;
  /// Outlines of the holes that count, exact corners smoothed alike.
  std::vector<Contour> holes;
};

/// Measures a mask. Holes below `min_hole_area` pixels are not counted, but are not part of the mask either.
/// Errors: kMisuse for runs that do not fit the picture (ValidateRuns).
Result<MaskShape> MeasureMask(const Run* runs, size_t count, int width, int height, double min_hole_area,
                              const MeasureGroups& groups = {});

}  // namespace fastsamd
