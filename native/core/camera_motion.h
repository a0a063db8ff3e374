#pragma once

#include <cstdint>
#include <vector>

#include "core/affine.h"
#include "core/grey_image.h"
#include "core/image.h"

namespace fastsamd {

struct CameraMotion {
  /// Where points of the previous frame lie in this one, in pixels of the frame: a rotation, a scale and a shift.
  Affine motion;
  /// Enough of the picture agreed; else `motion` is the identity. The first frame is sure: nothing moved yet.
  bool sure = true;
  int points = 0;
  int inliers = 0;
  /// Of the four sides of the picture, those that move with the rest: a moving camera moves all of them, a belt or a
  /// crowd only those that it reaches.
  int sides = 0;
};

/// How the camera moves from frame to frame, by pixels alone. Keeps the previous frame's luma at about 240 pixels a
/// line, follows a grid of textured points by pyramidal Lucas-Kanade (Bouguet 2001), and fits a similarity by RANSAC
/// (Fischler and Bolles 1981). Where too few points agree, phase correlation (Kuglin and Hines 1975) of 128 x 64 pixels
/// gives a first guess and the points are followed once more. One call at a time.
class CameraMotionEstimator {
 public:
  /// `image` is valid. Another size than before begins again.
  CameraMotion Next(const ImageView& image);
  void Reset();

 private:
  struct Follow {
    double x0;
    double y0;
    double x1;
    double y1;
  };

  void Reduce(const ImageView& image, std::vector<GreyImage>& levels);
  void PickPoints();
  void FollowPoints(double guess_x, double guess_y);
  bool Fit(CameraMotion& found);
  template <typename Agrees>
  int SidesThat(const Agrees& agrees) const;

  int width_ = 0;
  int height_ = 0;
  int factor_ = 1;
  std::vector<GreyImage> before_;
  std::vector<GreyImage> now_;
  /// Of the rows that become one.
  std::vector<uint16_t> sums_;
  std::vector<Follow> points_;
  std::vector<Follow> followed_;
};

}  // namespace fastsamd
