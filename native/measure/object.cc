#include "measure/object.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fastsamd {

Result<MeasuredObject> MeasureObject(const ImageView& image, const Segments& segments, uint32_t index,
                                     const ObjectOptions& options, Refiner& refiner) {
  const Run* runs = segments.runs.data() + segments.offsets[index];
  const size_t count = segments.offsets[index + 1] - segments.offsets[index];
  const auto measure_mask = [&](const MeasureGroups& groups) {
    return MeasureMask(runs, count, segments.width, segments.height, options.min_hole_area, groups);
  };
  Result<MaskShape> mask = measure_mask(options.refine ? MeasureGroups{false, false} : options.groups);
  if (!mask.ok()) return mask.error();
  const Plane* plane = options.plane ? &*options.plane : nullptr;
  const double reach = std::clamp(options.cell, kLeastReach, kMostReach);
  MeasuredObject object{options.refine ? refiner.Refine(image, mask.value(), reach, plane, options.groups)
                                       : Unrefined(std::move(mask).value(), plane, options.groups),
                        {std::nan(""), std::nan(""), std::nan("")}};
  if (options.refine && !object.shape.refined && plane == nullptr && (options.groups.hull || options.groups.circle)) {
    // The edge was refused: what an outline found again would have measured is that of the mask.
    mask = measure_mask(options.groups);
    if (!mask.ok()) return mask.error();
    object.shape.measures = mask.value().measures;
  }
  if (options.color) object.lab = MeanLab(image, runs, count, static_cast<int>(std::ceil(options.cell)));
  return object;
}

}  // namespace fastsamd
