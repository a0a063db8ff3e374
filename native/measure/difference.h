#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/image.h"
#include "core/result.h"
#include "core/segments.h"

namespace fastsamd {

/// Where a place of the golden picture lies in the other one: x' = a x - b y + c, y' = b x + a y + d.
struct Pose {
  double a = 1;
  double b = 0;
  double c = 0;
  double d = 0;
};

struct DifferenceOptions {
  /// Edges may lie this many pixels off (chessboard distance), 0..16.
  int tolerance = 3;
  /// Grey levels by which a pixel has to differ from everything within the tolerance.
  double contrast = 32;
  /// Pixels either way in which the remaining shift is searched, 0..64.
  int reach = 16;
  /// Places that differ on fewer pixels are not counted.
  int min_area = 4;
};

/// The most regions that are handed out, the largest first; `area` counts all.
inline constexpr size_t kMostRegions = 1000;

/// A place where the pictures differ. Box and centroid in pixels of the golden picture, the box grown by the tolerance.
struct DifferentRegion {
  uint32_t area;
  double x;
  double y;
  int left;
  int top;
  int right;
  int bottom;
};

struct Difference {
  /// The shift that was found beyond the pose, in pixels of the golden picture.
  int dx = 0;
  int dy = 0;
  /// Correlation of the pictures at that shift, -1..1; 0 where one of them is of one grey level.
  double match = 0;
  /// Pixels that differ, of the regions that count.
  uint64_t area = 0;
  std::vector<DifferentRegion> regions;
};

/// Compares the luma of two pictures within `mask` of the golden one (all of it without a mask). The shift is that of
/// the highest correlation, searched from coarse to fine; gain and offset of the light are taken out (gain within
/// 0.5..2). A pixel differs where one picture is brighter or darker by more than `contrast` than everything within
/// `tolerance` of that place in the other, in either direction. Places of the golden picture beyond the border of the
/// other are not compared. Errors: kMisuse for pictures or runs that are not valid, and an empty mask.
Result<Difference> DifferenceTo(const ImageView& golden, const ImageView& other, const Pose& pose,
                                const std::optional<std::vector<Run>>& mask, const DifferenceOptions& options);

}  // namespace fastsamd
