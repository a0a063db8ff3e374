#include "scenes/view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/random.h"

namespace fastsamd {
namespace {

/// What is drawn beyond the picture on each side, in shorter sides of it.
constexpr double kMargin = 0.25;
constexpr double kPi = 3.141592653589793;
/// A picture, in shorter sides, scales or radians.
constexpr double kPanStep = 0.012;
constexpr double kPanReach = 0.22;
constexpr double kZoomStep = 0.015;
constexpr double kZoomReach = 0.3;
constexpr double kShake = 0.018;
constexpr double kShakeTurn = 0.3 * kPi / 180.0;
constexpr double kYawStep = 0.4 * kPi / 180.0;
constexpr double kYawReach = 8.0 * kPi / 180.0;

/// A point that travels between -reach and reach, `step` a picture, from 0.
double ToAndFro(int index, double step, double reach) {
  const double way = std::fmod(std::fabs(static_cast<double>(index)) * step + reach, 4.0 * reach);
  return way <= 2.0 * reach ? way - reach : 3.0 * reach - way;
}

struct Pose {
  double x = 0.0;
  double y = 0.0;
  double scale = 1.0;
  double angle = 0.0;
};

Pose PoseAt(int index, double side, CameraMove camera) {
  Pose pose;
  switch (camera) {
    case CameraMove::kFixed:
      break;
    case CameraMove::kPan:
      pose.x = side * ToAndFro(index, kPanStep, kPanReach);
      pose.y = side * 0.3 * ToAndFro(index, kPanStep, kPanReach);
      break;
    case CameraMove::kZoom:
      pose.scale = 1.0 + kZoomReach / 2.0 + ToAndFro(index, kZoomStep, kZoomReach / 2.0);
      break;
    case CameraMove::kShake: {
      Random random(static_cast<uint64_t>(index) * 0x9e3779b97f4a7c15ULL + 1);
      pose.x = side * random.Between(-kShake, kShake);
      pose.y = side * random.Between(-kShake, kShake);
      pose.angle = random.Between(-kShakeTurn, kShakeTurn);
      break;
    }
    case CameraMove::kYaw:
      pose.angle = ToAndFro(index, kYawStep, kYawReach);
      break;
  }
  return pose;
}

Affine Inverse(const Affine& a) {
  const double determinant = a.xx * a.yy - a.xy * a.yx;
  Affine b;
  b.xx = a.yy / determinant;
  b.xy = -a.xy / determinant;
  b.yx = -a.yx / determinant;
  b.yy = a.xx / determinant;
  b.dx = -(b.xx * a.dx + b.xy * a.dy);
  b.dy = -(b.yx * a.dx + b.yy * a.dy);
  return b;
}

/// `second` after `first`.
Affine Compose(const Affine& second, const Affine& first) {
  Affine both;
  both.xx = second.xx * first.xx + second.xy * first.yx;
  both.xy = second.xx * first.xy + second.xy * first.yy;
  both.yx = second.yx * first.xx + second.yy * first.yx;
  both.yy = second.yx * first.xy + second.yy * first.yy;
  both.dx = second.X(first.dx, first.dy);
  both.dy = second.Y(first.dx, first.dy);
  return both;
}

}  // namespace

View ViewAt(int index, int width, int height, const ViewOptions& options) {
  View view{width, height, {}, true};
  if (options.camera == CameraMove::kFixed) return view;
  const double side = std::min(width, height);
  const int margin = static_cast<int>(std::ceil(kMargin * side));
  view.direct = false;
  view.width = width + 2 * margin;
  view.height = height + 2 * margin;
  const Pose pose = PoseAt(index, side, options.camera);
  const double cosine = std::cos(pose.angle) / pose.scale;
  const double sine = std::sin(pose.angle) / pose.scale;
  const double cx = width / 2.0;
  const double cy = height / 2.0;
  view.to_scene.xx = cosine;
  view.to_scene.xy = -sine;
  view.to_scene.dx = margin + cx + pose.x - cosine * cx + sine * cy;
  view.to_scene.yx = sine;
  view.to_scene.yy = cosine;
  view.to_scene.dy = margin + cy + pose.y - sine * cx - cosine * cy;
  return view;
}

Affine MotionBetween(int index, int width, int height, const ViewOptions& options) {
  const View before = ViewAt(index - 1, width, height, options);
  const View now = ViewAt(index, width, height, options);
  return Compose(Inverse(now.to_scene), before.to_scene);
}

void DrawBar(const View& view, const ViewOptions& options, uint8_t* rgb, uint16_t* labels) {
  if (options.bar <= 0.0) return;
  constexpr std::array<uint8_t, 3> kBar{34, 32, 30};
  // The margin around the picture is no part of its shorter side.
  const double side = std::min(view.width, view.height) / (view.direct ? 1.0 : 1.0 + 2.0 * kMargin);
  const auto begin = static_cast<int>(std::clamp(view.width / 2.0 - options.bar * side / 2.0, 0.0, view.width * 1.0));
  const auto end = static_cast<int>(std::clamp(view.width / 2.0 + options.bar * side / 2.0, 0.0, view.width * 1.0));
  for (int y = 0; y < view.height; ++y) {
    const size_t row = static_cast<size_t>(y) * static_cast<size_t>(view.width);
    for (int x = begin; x < end; ++x) {
      std::copy(kBar.begin(), kBar.end(), rgb + 3 * (row + static_cast<size_t>(x)));
      if (labels != nullptr) labels[row + static_cast<size_t>(x)] = 0;
    }
  }
}

void Look(const View& view, const uint8_t* scene, const uint16_t* scene_labels, int width, int height, uint8_t* rgb,
          uint16_t* labels) {
  const auto stride = static_cast<size_t>(view.width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double sx = std::clamp(view.to_scene.X(x + 0.5, y + 0.5) - 0.5, 0.0, view.width - 1.001);
      const double sy = std::clamp(view.to_scene.Y(x + 0.5, y + 0.5) - 0.5, 0.0, view.height - 1.001);
      const auto column = static_cast<size_t>(sx);
      const auto line = static_cast<size_t>(sy);
      const double fx = sx - static_cast<double>(column);
      const double fy = sy - static_cast<double>(line);
      const uint8_t* upper = scene + 3 * (line * stride + column);
      const uint8_t* lower = upper + 3 * stride;
      const size_t pixel = static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
      for (size_t c = 0; c < 3; ++c) {
        const double top = upper[c] + fx * (upper[c + 3] - upper[c]);
        const double bottom = lower[c] + fx * (lower[c + 3] - lower[c]);
        rgb[3 * pixel + c] = static_cast<uint8_t>(std::lround(top + fy * (bottom - top)));
      }
      if (labels != nullptr) {
        labels[pixel] = scene_labels[(line + (fy >= 0.5 ? 1 : 0)) * stride + column + (fx >= 0.5 ? 1 : 0)];
      }
    }
  }
}

void DimLight(int index, const ViewOptions& options, int width, int height, uint8_t* rgb) {
  if (options.light <= 0.0) return;
  const double phase = 2.0 * kPi * (index % kLightPictures) / kLightPictures;
  const double level = 1.0 - options.light * (0.5 - 0.5 * std::cos(phase));
  std::array<uint8_t, 256> dimmed{};
  for (size_t value = 0; value < dimmed.size(); ++value)
    dimmed[value] = static_cast<uint8_t>(std::lround(static_cast<double>(value) * level));
  const size_t bytes = size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height);
  for (size_t i = 0; i < bytes; ++i) rgb[i] = dimmed[rgb[i]];
}

}  // namespace fastsamd
