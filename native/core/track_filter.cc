#include "core/track_filter.h"

#include <algorithm>
#include <cmath>

namespace fastsamd {
namespace {

constexpr double kPositionNoise = 1.0 / 20.0;
constexpr double kVelocityNoise = 1.0 / 160.0;

double Square(double value) { return value * value; }

/// The part of the covariance that a linear map of (x, y) leaves on the diagonal.
double Mixed(double along, double own, double across, double other) {
  return along * along * own + across * across * other;
}

}  // namespace

void AxisFilter::Start(double measured, double size, const MotionNoise& noise) {
  position = measured;
  velocity = 0.0;
  position_variance = Square(2.0 * kPositionNoise * size);
  covariance = 0.0;
  velocity_variance = Square(10.0 * noise.velocity * kVelocityNoise * size);
}

void AxisFilter::Predict(double frames, double size, const MotionNoise& noise) {
  position += frames * velocity;
  position_variance +=
      frames * (2.0 * covariance + frames * velocity_variance) + frames * Square(kPositionNoise * size);
  covariance += frames * velocity_variance;
  velocity_variance += frames * Square(noise.velocity * kVelocityNoise * size);
}

void AxisFilter::Update(double measured, double size, const MotionNoise& noise) {
  const double innovation = measured - position;
  const double total = position_variance + Square(noise.measured * kPositionNoise * size);
  const double position_gain = position_variance / total;
  const double velocity_gain = covariance / total;
  position += position_gain * innovation;
  velocity += velocity_gain * innovation;
  velocity_variance -= velocity_gain * covariance;
  covariance -= position_gain * covariance;
  position_variance -= position_gain * position_variance;
}

double MotionFilter::Size() const {
  return std::max(std::sqrt(std::max(width.position, 1.0) * std::max(height.position, 1.0)), 1.0);
}

void MotionFilter::Start(double cx, double cy, double w, double h) {
  width.position = w;
  height.position = h;
  const double size = Size();
  x.Start(cx, size, noise);
  y.Start(cy, size, noise);
  width.Start(w, size, noise);
  height.Start(h, size, noise);
}

void MotionFilter::Predict(double frames, bool seen, const Velocity& others) {
  if (frames <= 0.0) return;
  const double size = Size();
  if (!seen) {
    width.velocity = 0.0;
    height.velocity = 0.0;
  }
  x.Predict(frames, size, noise);
  y.Predict(frames, size, noise);
  width.Predict(frames, size, noise);
  height.Predict(frames, size, noise);
  if (!seen) {
    const double kept = std::pow(noise.coasting, frames);
    x.velocity = others.x + kept * (x.velocity - others.x);
    y.velocity = others.y + kept * (y.velocity - others.y);
  }
}

void MotionFilter::LimitDrift(double spread) {
  const double limit = Square(std::max(spread, kVelocityNoise * Size()));
  for (AxisFilter* axis : {&x, &y}) {
    if (axis->velocity_variance <= limit) continue;
    axis->covariance *= std::sqrt(limit / axis->velocity_variance);
    axis->velocity_variance = limit;
  }
}

void MotionFilter::Warp(const Affine& m) {
  const double px = m.X(x.position, y.position);
  const double py = m.Y(x.position, y.position);
  const double vx = m.xx * x.velocity + m.xy * y.velocity;
  const double vy = m.yx * x.velocity + m.yy * y.velocity;
  const AxisFilter a = x;
  const AxisFilter b = y;
  x = {px, vx, Mixed(m.xx, a.position_variance, m.xy, b.position_variance),
       Mixed(m.xx, a.covariance, m.xy, b.covariance), Mixed(m.xx, a.velocity_variance, m.xy, b.velocity_variance)};
  y = {py, vy, Mixed(m.yy, b.position_variance, m.yx, a.position_variance),
       Mixed(m.yy, b.covariance, m.yx, a.covariance), Mixed(m.yy, b.velocity_variance, m.yx, a.velocity_variance)};
  const double scale = m.Scale();
  for (AxisFilter* side : {&width, &height}) {
    side->position *= scale;
    side->velocity *= scale;
    side->position_variance *= scale * scale;
    side->covariance *= scale * scale;
    side->velocity_variance *= scale * scale;
  }
}

void MotionFilter::Update(double cx, double cy, double w, double h) {
  const double size = Size();
  x.Update(cx, size, noise);
  y.Update(cy, size, noise);
  width.Update(w, size, noise);
  height.Update(h, size, noise);
}

}  // namespace fastsamd
