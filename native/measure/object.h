#pragma once

#include <cstdint>
#include <optional>

#include "core/image.h"
#include "core/result.h"
#include "core/segments.h"
#include "measure/edge.h"
#include "measure/lab.h"
#include "measure/measure.h"
#include "measure/plane.h"
#include "measure/refine.h"

namespace fastsamd {

/// What is measured of an object, and how.
struct ObjectOptions {
  /// Find the outline again in the picture.
  bool refine = false;
  bool color = false;
  MeasureGroups groups;
  /// Side of a cell of the proto masks in pixels of the frame: search distance, and what the colour leaves out.
  double cell = kLeastReach;
  /// Pixels.
  double min_hole_area = 1;
  std::optional<Plane> plane;
};

struct MeasuredObject {
  RefinedShape shape;
  /// NaN unless asked for.
  Lab lab;
};

/// Measures one object of `segments`. `image` must be valid (Validate) and of their size, `index` below their count.
/// `refiner` has no say in the result: any thread measures the same with its own. Errors: those of MeasureMask.
Result<MeasuredObject> MeasureObject(const ImageView& image, const Segments& segments, uint32_t index,
                                     const ObjectOptions& options, Refiner& refiner);

}  // namespace fastsamd
