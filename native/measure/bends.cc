#include "measure/bends.h"

#include <algorithm>
#include <cmath>

#include "measure/room.h"

namespace fastsamd {
namespace {

/// Points over which the contour is smoothed.
constexpr double kBendSigma = 2.5;
/// The curvature at a point is the turn over this many points either way; a corner counts as a bend of radius 4.
constexpr size_t kTurn = 4;
constexpr double kMostCurvature = 0.25;

/// atan2 to 1e-5, without branches (the polynomial is 4.4.49 of Abramowitz and Stegun).
inline float AngleOf(float y, float x) {
  const float ax = std::abs(x);
  const float ay = std::abs(y);
  const float t = std::min(ax, ay) / std::max(std::max(ax, ay), 1e-30F);
  const float s = t * t;
  const float part = t * (0.9998660F + s * (-0.3302995F + s * (0.1801410F + s * (-0.0851330F + s * 0.0208351F))));
  const float quarter = ay > ax ? 1.57079633F - part : part;
  const float half = x < 0 ? 3.14159265F - quarter : quarter;
  return y < 0 ? -half : half;
}

}  // namespace

void Bends::Smooth(Contour& contour) {
  const size_t count = contour.size();
  constexpr size_t kMostRadius = 8;
  static_assert(kMostRadius >= 3 * kBendSigma);
  const size_t radius = std::min(kMostRadius, count / 4);
  double moments[3] = {};
  double weights[2 * kMostRadius + 1];
  for (size_t k = 0; k <= 2 * radius; ++k) {
    const double t = (static_cast<double>(k) - static_cast<double>(radius)) / kBendSigma;
    weights[k] = std::exp(-t * t / 2);
    moments[0] += weights[k];
    moments[1] += weights[k] * t * t;
    moments[2] += weights[k] * t * t * t * t;
  }
  const double ratio = moments[2] > 0 ? moments[1] / moments[2] : 0;
  const double sum = moments[0] - ratio * moments[1];
  for (size_t k = 0; k <= 2 * radius; ++k) {
    const double t = (static_cast<double>(k) - static_cast<double>(radius)) / kBendSigma;
    weights[k] *= (1 - ratio * t * t) / sum;
  }
  Reserve(x_, count + 2 * radius);
  Reserve(y_, count + 2 * radius);
  double* __restrict x = x_.data();
  double* __restrict y = y_.data();
  for (size_t i = 0; i < count; ++i) {
    x[radius + i] = contour[i].x;
    y[radius + i] = contour[i].y;
  }
  for (size_t k = 0; k < radius; ++k) {
    x[radius + count + k] = contour[k].x;
    y[radius + count + k] = contour[k].y;
    x[k] = contour[count - radius + k].x;
    y[k] = contour[count - radius + k].y;
  }
  // The kernel is even: neighbours at the same distance are added first.
  Point* __restrict out = contour.data();
  for (size_t i = 0; i < count; ++i) {
    double sum_x = weights[radius] * x[i + radius];
    double sum_y = weights[radius] * y[i + radius];
    for (size_t k = 0; k < radius; ++k) {
      sum_x += weights[k] * (x[i + k] + x[i + 2 * radius - k]);
      sum_y += weights[k] * (y[i + k] + y[i + 2 * radius - k]);
    }
    out[i] = {sum_x, sum_y};
  }
}

const std::vector<float>& Bends::Curvatures(const Contour& contour) {
  const size_t count = contour.size();
  Reserve(curvatures_, count);
  const auto turn = std::min(kTurn, count / 4);
  const auto take = [&](size_t before, size_t i, size_t after) {
    const Point& a = contour[before];
    const Point& b = contour[i];
    const Point& c = contour[after];
    const auto ux = static_cast<float>(b.x - a.x);
    const auto uy = static_cast<float>(b.y - a.y);
    const auto vx = static_cast<float>(c.x - b.x);
    const auto vy = static_cast<float>(c.y - b.y);
    const float angle = AngleOf(ux * vy - uy * vx, ux * vx + uy * vy);
    const float length = (std::sqrt(ux * ux + uy * uy) + std::sqrt(vx * vx + vy * vy)) / 2;
    constexpr auto kMost = static_cast<float>(kMostCurvature);
    curvatures_[i] = std::min(kMost, std::max(-kMost, angle / std::max(length, 1e-9F)));
  };
  for (size_t i = 0; i < turn; ++i) take(i + count - turn, i, i + turn);
  for (size_t i = turn; i + turn < count; ++i) take(i - turn, i, i + turn);
  for (size_t i = count - turn; i < count; ++i) take(i - turn, i, i + turn - count);
  return curvatures_;
}

}  // namespace fastsamd
