#pragma once

#include <cstddef>

#include "core/segments.h"
#include "measure/point.h"

namespace fastsamd {

/// Corners of the convex hull of points, in order around it, without corners on straight sides (Andrew's monotone
/// chain).
Contour HullOf(Contour points);

/// The hull of the pixels of a mask: their corners, of which only the ends of runs can be on it.
Contour HullOfRuns(const Run* runs, size_t count, int height);

/// The rectangle of least area around a hull. `length` >= `width`, in pixels; `angle` is that of the long side in
/// degrees in (-90, 90], clockwise on screen.
struct Rectangle {
  double length;
  double width;
  double angle;
  Point center;
};

/// Greatest and least distance of two parallel lines that touch the hull from either side.
struct Feret {
  double max;
  double min;
};

struct Calipers {
  Rectangle rectangle;
  Feret feret;
};

/// Both by rotating calipers (Toussaint 1983), in time linear in the corners. A hull of fewer than 3 corners, or
/// without area, gives a rectangle without width.
Calipers CalipersOf(const Contour& hull);

}  // namespace fastsamd
