#pragma once

#include "core/candidates.h"
#include "core/geometry.h"

namespace fastsamd {

/// FastSAM's "full box" rule, on the content instead of the padded input: a side less than `distance` input pixels
/// from the content's border, or beyond it, moves onto it; a box whose IoU with the content then exceeds 0.9 becomes
/// the content. A distance of 0 leaves every box as it is.
BoxF SnapToBorder(const BoxF& box, const Geometry& geometry, float distance);

}  // namespace fastsamd
