#pragma once

#include <vector>

#include "core/contour.h"
#include "measure/point.h"

namespace fastsamd {

/// Standard deviation of the Gaussian that smooths an outline, in pixels of arc.
inline constexpr double kOutlineSigma = 1.5;

/// The middles of the pixel sides along one ring of exact corners (TracePolygons with tolerance 0).
Contour SideMiddles(const GridPoint* corners, size_t count);

/// The outline that measures are taken on: side middles, one point per pixel of arc, smoothed (kOutlineSigma).
Contour SmoothOutline(const GridPoint* corners, size_t count);

/// Length of the closed line.
double LengthOf(const Contour& contour);

/// Area and centroid by the shoelace formula; positive where the ring turns clockwise on screen, as outlines do.
struct RingArea {
  double area;
  double x;
  double y;
};
RingArea AreaOf(const Contour& contour);

}  // namespace fastsamd
