#pragma once

#include <cstdint>
#include <vector>

#include "core/affine.h"

namespace fastsamd {

/// What the camera of a drawn scene does.
enum class CameraMove : uint8_t { kFixed, kPan, kZoom, kShake, kYaw };

/// How a scene is looked at; the same for every scene. The defaults change nothing.
struct ViewOptions {
  CameraMove camera = CameraMove::kFixed;
  /// Width of an upright bar in the middle of the scene that hides what passes behind it, in shorter sides of the
  /// picture: 0..10, 0 for none.
  double bar = 0.0;
  /// The light falls by this share of it and comes back, every kLightPictures pictures: 0..0.9.
  double light = 0.0;
};

inline constexpr int kLightPictures = 90;

/// A scene drawn larger than the picture, and where the picture's points lie in it.
struct View {
  /// Size of the drawing.
  int width = 0;
  int height = 0;
  /// From points of the picture to points of the drawing.
  Affine to_scene;
  /// The drawing is the picture.
  bool direct = true;
};

/// The view of picture `index`, a closed form. Between two pictures points move at most 60 pixels of 1080 lines: `pan`
/// goes to and fro, `zoom` grows by up to 1.5 % a picture, `shake` jumps and turns at random, `yaw` turns by 0.4
/// degrees a picture to and fro.
View ViewAt(int index, int width, int height, const ViewOptions& options);

/// Where the points of picture `index - 1` lie in picture `index`.
Affine MotionBetween(int index, int width, int height, const ViewOptions& options);

/// The bar on a drawing of `view`'s size. Labels below it become 0. `labels` may be null.
void DrawBar(const View& view, const ViewOptions& options, uint8_t* rgb, uint16_t* labels);

/// The picture of `width` x `height` that `view` shows of a drawing, with linear interpolation; labels of the nearest
/// pixel. `scene_labels` and `labels` may be null.
void Look(const View& view, const uint8_t* scene, const uint16_t* scene_labels, int width, int height, uint8_t* rgb,
          uint16_t* labels);

/// The light of picture `index`.
void DimLight(int index, const ViewOptions& options, int width, int height, uint8_t* rgb);

}  // namespace fastsamd
