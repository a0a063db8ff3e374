#include "measure/moments.h"

#include <algorithm>
#include <cmath>

#include "core/image.h"

namespace fastsamd {
namespace {

static_assert(int64_t{kMaxSide} * kMaxSide <= int64_t{1} << 30);

__extension__ using Int128 = __int128;

constexpr double kDegrees = 180.0 / 3.14159265358979323846;

/// Sums of powers over unit squares, scaled so that they stay integers: 2x, 3xx, 4xy. A full picture of kMaxSide gives
/// kMaxSide^4 = 2^60 at most.
struct Sums {
  int64_t area = 0;
  int64_t x2 = 0;
  int64_t y2 = 0;
  int64_t xx3 = 0;
  int64_t xy4 = 0;
  int64_t yy3 = 0;

  /// Column [x, x + 1), rows [a, b).
  void Add(int64_t x, int64_t a, int64_t b) {
    const int64_t length = b - a;
    const int64_t rows2 = b * b - a * a;
    area += length;
    x2 += (2 * x + 1) * length;
    y2 += rows2;
    xx3 += (3 * x * x + 3 * x + 1) * length;
    xy4 += (2 * x + 1) * rows2;
    yy3 += b * b * b - a * a * a;
  }
};

}  // namespace

Moments MomentsOf(const Run* runs, size_t count, int height) {
  const auto rows = static_cast<uint32_t>(height);
  Sums sums;
  for (size_t k = 0; k < count; ++k) {
    uint32_t start = runs[k].start;
    while (start < runs[k].end) {
      const uint32_t column = start / rows;
      const uint32_t end = std::min(runs[k].end, (column + 1) * rows);
      sums.Add(column, start - column * rows, end - column * rows);
      start = end;
    }
  }
  Moments moments;
  moments.area = static_cast<uint64_t>(sums.area);
  if (moments.area == 0) {
    moments.x = moments.y = moments.xx = moments.xy = moments.yy = std::nan("");
    return moments;
  }
  const auto area = static_cast<double>(sums.area);
  moments.x = static_cast<double>(sums.x2) / (2 * area);
  moments.y = static_cast<double>(sums.y2) / (2 * area);
  // area * second moment - square of the first one, in integers: nothing cancels.
  const Int128 pixels = sums.area;
  const Int128 x2 = sums.x2;
  const Int128 y2 = sums.y2;
  moments.xx = static_cast<double>(4 * pixels * sums.xx3 - 3 * x2 * x2) / (12 * area * area);
  moments.xy = static_cast<double>(pixels * sums.xy4 - x2 * y2) / (4 * area * area);
  moments.yy = static_cast<double>(4 * pixels * sums.yy3 - 3 * y2 * y2) / (12 * area * area);
  return moments;
}

Ellipse EllipseOf(const Moments& moments) {
  const double mean = (moments.xx + moments.yy) / 2;
  const double half = (moments.xx - moments.yy) / 2;
  const double spread = std::hypot(half, moments.xy);
  const double angle = spread > 1e-12 * mean ? std::atan2(moments.xy, half) / 2 * kDegrees : std::nan("");
  return {4 * std::sqrt(mean + spread), 4 * std::sqrt(std::max(0.0, mean - spread)), HalfTurn(angle)};
}

double HalfTurn(double degrees) {
  const double turned = degrees - 180 * std::ceil(degrees / 180 - 0.5);
  return turned <= -90 ? turned + 180 : turned;
}

}  // namespace fastsamd
