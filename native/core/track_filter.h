#pragma once

#include <optional>

#include "core/affine.h"

namespace fastsamd {

/// Tracking measures time in frames of a 30 Hz camera, the unit of the noise constants below.
inline constexpr double kNominalRate = 30.0;

/// Noise of a MotionFilter.
struct MotionNoise {
  /// Standard deviation of the change of velocity, in 160ths of the object's size per nominal frame.
  double velocity;
  /// Standard deviation of a measurement, in 20ths of the object's size.
  double measured;
  /// Share of its velocity that an unseen object keeps per nominal frame.
  double coasting;
};

/// For centroids of masks.
inline constexpr MotionNoise kMaskNoise{1.0, 1.0, 0.9};
/// For boxes without masks. A detector's box jitters from frame to frame, so the filter smooths it more. The smoothed
/// velocity is steadier, so an unseen object keeps it for longer.
inline constexpr MotionNoise kBoxNoise{0.6, 1.5, 0.97};

/// A Kalman filter of one coordinate with constant velocity. The velocity is per nominal frame.
struct AxisFilter {
  double position = 0.0;
  double velocity = 0.0;
  double position_variance = 0.0;
  double covariance = 0.0;
  double velocity_variance = 0.0;

  void Start(double measured, double size, const MotionNoise& noise);
  void Predict(double frames, double size, const MotionNoise& noise);
  void Update(double measured, double size, const MotionNoise& noise);
};

/// Pixels a nominal frame.
struct Velocity {
  double x = 0.0;
  double y = 0.0;
};

/// How the things around an object move.
struct Surroundings {
  Velocity velocity;
  /// Standard deviation of their velocities, where they move as one; else nothing, and `velocity` is 0.
  std::optional<double> spread;
};

/// Where an object is and how it moves: independent filters of the centroid and of the sides of its box, in pixels. The
/// noise of all four follows the object's size sqrt(width * height), as ByteTrack's follows its height: a twentieth of
/// it a frame for positions, a 160th for velocities, times `noise`. Process noise grows with the time that passed,
/// which makes the filter the same at every frame rate.
struct MotionFilter {
  MotionNoise noise = kMaskNoise;
  AxisFilter x;
  AxisFilter y;
  AxisFilter width;
  AxisFilter height;

  /// The side of a square as large as the box; never below 1 pixel.
  double Size() const;
  void Start(double cx, double cy, double w, double h);
  /// Moves on by `frames` nominal frames (0 leaves everything as it is). An object that is not seen keeps its size, and
  /// its velocity approaches `others`, as the longer it hides the less its last velocity says.
  void Predict(double frames, bool seen, const Velocity& others);
  /// Of an object that moves with others: its velocity is as sure as theirs agree within this standard deviation, or as
  /// one frame tells it.
  void LimitDrift(double spread);
  /// Moves along with the camera.
  void Warp(const Affine& motion);
  void Update(double cx, double cy, double w, double h);
};

}  // namespace fastsamd
