#include "measure/fit.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fastsamd {
namespace {

const double kNan = std::nan("");

Line WeightedLine(const Contour& points, const std::vector<double>& weights) {
  double sum = 0;
  Point center{0, 0};
  for (size_t k = 0; k < points.size(); ++k) {
    sum += weights[k];
    center.x += weights[k] * points[k].x;
    center.y += weights[k] * points[k].y;
  }
  center = {center.x / sum, center.y / sum};
  double xx = 0;
  double xy = 0;
  double yy = 0;
  for (size_t k = 0; k < points.size(); ++k) {
    const double x = points[k].x - center.x;
    const double y = points[k].y - center.y;
    xx += weights[k] * x * x;
    xy += weights[k] * x * y;
    yy += weights[k] * y * y;
  }
  const double angle = std::atan2(2 * xy, xx - yy) / 2;  // of the line itself
  Line line{-std::sin(angle), std::cos(angle), 0, center, 0};
  line.offset = line.nx * center.x + line.ny * center.y;
  double squares = 0;
  for (size_t k = 0; k < points.size(); ++k) {
    const double distance = line.nx * points[k].x + line.ny * points[k].y - line.offset;
    squares += weights[k] * distance * distance;
  }
  line.rms = std::sqrt(squares / sum);
  return line;
}

}  // namespace

Circle FitCircle(const Contour& points) {
  const Circle none{{kNan, kNan}, kNan, kNan};
  if (points.size() < 3) return none;
  const auto n = static_cast<double>(points.size());
  // From a local origin, so that far away from 0 nothing cancels.
  const Point origin = points.front();
  Point mean{0, 0};
  for (const Point& p : points) {
    mean.x += p.x - origin.x;
    mean.y += p.y - origin.y;
  }
  mean = {origin.x + mean.x / n, origin.y + mean.y / n};
  double xx = 0;
  double xy = 0;
  double yy = 0;
  double xz = 0;
  double yz = 0;
  double zz = 0;
  for (const Point& p : points) {
    const double x = p.x - mean.x;
    const double y = p.y - mean.y;
    const double z = x * x + y * y;
    xx += x * x;
    xy += x * y;
    yy += y * y;
    xz += x * z;
    yz += y * z;
    zz += z * z;
  }
  for (double* sum : {&xx, &xy, &yy, &xz, &yz, &zz}) *sum /= n;
  const double z = xx + yy;
  const double covariance = xx * yy - xy * xy;
  if (covariance <= 1e-12 * z * z) return none;
  const double variance = zz - z * z;
  const double a3 = 4 * z;
  const double a2 = -3 * z * z - zz;
  const double a1 = variance * z + 4 * covariance * z - xz * xz - yz * yz;
  const double a0 = xz * (xz * yy - yz * xy) + yz * (yz * xx - xz * xy) - variance * covariance;
  // Newton's method from 0 converges to the smallest root, from below.
  double root = 0;
  double value = a0;
  for (int round = 0; round < 99; ++round) {
    const double slope = a1 + root * (2 * a2 + 3 * a3 * root);
    const double moved = root - value / slope;
    if (moved == root || !std::isfinite(moved)) break;
    const double there = a0 + moved * (a1 + moved * (a2 + moved * a3));
    if (std::abs(there) >= std::abs(value)) break;
    root = moved;
    value = there;
  }
  const double determinant = root * root - root * z + covariance;
  const double x = (xz * (yy - root) - yz * xy) / determinant / 2;
  const double y = (yz * (xx - root) - xz * xy) / determinant / 2;
  Circle circle{{x + mean.x, y + mean.y}, std::sqrt(x * x + y * y + z), 0};
  double squares = 0;
  for (const Point& p : points) {
    const double distance = Norm(p.x - circle.center.x, p.y - circle.center.y) - circle.radius;
    squares += distance * distance;
  }
  circle.rms = std::sqrt(squares / n);
  return circle;
}

Line FitLine(const Contour& points) {
  if (points.size() < 2) return {kNan, kNan, kNan, {kNan, kNan}, kNan};
  std::vector<double> weights(points.size(), 1.0);
  Line line = WeightedLine(points, weights);
  std::vector<double> distances(points.size());
  for (int round = 0; round < 10; ++round) {
    for (size_t k = 0; k < points.size(); ++k) {
      distances[k] = std::abs(line.nx * points[k].x + line.ny * points[k].y - line.offset);
    }
    std::vector<double> sorted = distances;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    const double limit = 1.345 * std::max(*middle / 0.6745, 1e-6);
    for (size_t k = 0; k < points.size(); ++k) weights[k] = distances[k] <= limit ? 1.0 : limit / distances[k];
    const Line fitted = WeightedLine(points, weights);
    const double moved = std::abs(fitted.nx * line.center.x + fitted.ny * line.center.y - fitted.offset);
    line = fitted;
    if (moved < 1e-6) break;
  }
  return line;
}

}  // namespace fastsamd
