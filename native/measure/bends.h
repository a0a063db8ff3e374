#pragma once

#include <vector>

#include "measure/point.h"

namespace fastsamd {

/// Smooths closed contours of points about 1 px apart, and tells how they bend. Reused for one after another, it keeps
/// its memory.
class Bends {
 public:
  /// By the Gaussian kernel of fourth order: it keeps bends as they are, where the plain Gaussian pulls every point
  /// towards the centre of its bend.
  void Smooth(Contour& contour);
  /// Of each point, 1 / px; positive where the contour turns clockwise on screen. Valid until the next call.
  const std::vector<float>& Curvatures(const Contour& contour);

 private:
  std::vector<float> curvatures_;
  // The ring with neighbours on either side, as unbroken arrays.
  std::vector<double> x_;
  std::vector<double> y_;
};

}  // namespace fastsamd
