#include "measure/refine.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "measure/edge.h"
#include "measure/fit.h"
#include "measure/hull.h"
#include "measure/moments.h"
#include "measure/outline.h"

namespace fastsamd {
namespace {

constexpr double kPi = 3.14159265358979323846;
const double kNan = std::nan("");
/// Neighbouring edge points share their gradient: of three, one counts.
constexpr double kShared = 3;

/// An edge is fitted over the middle of its side, away from the corners' rounding.
constexpr double kMiddle = 0.7;
/// What belongs to a side lies this near to it, in pixels.
constexpr double kNear = 2;
/// A straight edge: so much of the side near to it, with no more scatter (rms, pixels).
constexpr double kLeastNear = 0.8;
constexpr double kMostScatter = 0.5;
constexpr size_t kLeastPoints = 8;

LumaPatch PatchAround(const ImageView& image, const MaskShape& mask, double margin) {
  double x0 = image.width;
  double y0 = image.height;
  double x1 = 0;
  double y1 = 0;
  for (const Contour& outline : mask.outlines) {
    for (const Point& point : outline) {
      x0 = std::min(x0, point.x);
      y0 = std::min(y0, point.y);
      x1 = std::max(x1, point.x);
      y1 = std::max(y1, point.y);
    }
  }
  return {image, static_cast<int>(x0 - margin), static_cast<int>(y0 - margin), static_cast<int>(x1 + margin) + 1,
          static_cast<int>(y1 + margin) + 1};
}

/// The line along one side of a rectangle; `nx`, `ny` point out of it.
std::optional<Line> SideLine(const Contour& found, const Rectangle& rectangle, double nx, double ny, double distance,
                             double side, double& points) {
  Contour near;
  for (const Point& point : found) {
    const double x = point.x - rectangle.center.x;
    const double y = point.y - rectangle.center.y;
    if (std::abs(x * nx + y * ny - distance) > kNear || std::abs(y * nx - x * ny) > kMiddle / 2 * side) continue;
    near.push_back(point);
  }
  points = static_cast<double>(near.size());
  if (near.size() < kLeastPoints || points < kLeastNear * kMiddle * side) return std::nullopt;
  Line line = FitLine(near);
  if (line.rms > kMostScatter) return std::nullopt;
  if (line.nx * nx + line.ny * ny < 0) line = {-line.nx, -line.ny, -line.offset, line.center, line.rms};
  return line;
}

struct Distance {
  double value;
  double uncertainty;
  /// Degrees, of the normal.
  double angle;
};

/// Distance of the edges of a rectangle that face along (nx, ny), at the middle of their length.
std::optional<Distance> TwoLines(const Contour& found, const Rectangle& rectangle, double nx, double ny, double across,
                                 double side) {
  double points_a = 0;
  double points_b = 0;
  const auto a = SideLine(found, rectangle, nx, ny, across / 2, side, points_a);
  const auto b = SideLine(found, rectangle, -nx, -ny, across / 2, side, points_b);
  if (!a || !b) return std::nullopt;
  // Both normals point outwards; the mean direction is that from the one to the other.
  const double length = Norm(a->nx - b->nx, a->ny - b->ny);
  const double mx = (a->nx - b->nx) / length;
  const double my = (a->ny - b->ny) / length;
  const Point middle{(a->center.x + b->center.x) / 2, (a->center.y + b->center.y) / 2};
  const auto reach = [&](const Line& line, double sign) {
    return (line.offset - line.nx * middle.x - line.ny * middle.y) / (sign * (line.nx * mx + line.ny * my));
  };
  return Distance{reach(*a, 1) + reach(*b, -1),
                  std::sqrt((a->rms * a->rms / points_a + b->rms * b->rms / points_b) * kShared),
                  std::atan2(my, mx) * 180 / kPi};
}

}  // namespace

RefinedShape Unrefined(MaskShape mask) {
  RefinedShape shape;
  shape.measures = mask.measures;
  std::fill(std::begin(shape.uncertainties.values), std::end(shape.uncertainties.values), kNan);
  shape.outlines = std::move(mask.outlines);
  shape.holes = std::move(mask.holes);
  return shape;
}

RefinedShape RefineShape(const ImageView& image, const MaskShape& mask, double reach) {
  RefinedShape shape = Unrefined(mask);
  if (mask.outlines.empty()) return shape;
  const LumaPatch luma = PatchAround(image, mask, reach + 2);
  const double noise = luma.Noise();

  std::vector<RefinedContour> parts;
  double points = 0;
  for (const Contour& outline : mask.outlines) {
    parts.push_back(RefineContour(luma, noise, outline, reach));
    const auto count = static_cast<double>(outline.size());
    shape.weak = (shape.weak * points + parts.back().weak * count) / (points + count);
    shape.off = (shape.off * points + parts.back().off * count) / (points + count);
    points += count;
  }
  // Every part must be found again: a sum of areas of two kinds would have no meaning.
  shape.refined = std::all_of(parts.begin(), parts.end(), [](const RefinedContour& part) { return part.accepted(); });
  if (!shape.refined) return shape;

  const Measures& m = mask.measures;
  double filled = 0;
  double x = 0;
  double y = 0;
  double length = 0;
  double area_variance = 0;
  const auto add = [&](const Contour& contour, double sign) {
    const RingArea ring = AreaOf(contour);
    const double area = std::abs(ring.area);
    x += sign * area * ring.x;
    y += sign * area * ring.y;
    return area;
  };
  for (size_t k = 0; k < parts.size(); ++k) {
    const RefinedContour& part = parts[k];
    filled += add(part.points, 1);
    const double perimeter = LengthOf(part.points);
    length += perimeter;
    area_variance += part.spread * part.spread * kShared * perimeter;
    shape.outlines[k] = part.points;
  }
  // Background too small to count keeps the size that the mask gives it.
  double area = filled - (m[Measure::kAreaFilled] - m[Measure::kArea] - m[Measure::kHoleArea]);
  double hole_area = 0;
  double hole_variance = 0;
  bool holes_found = true;
  for (size_t k = 0; k < mask.holes.size(); ++k) {
    const RefinedContour hole = RefineContour(luma, noise, mask.holes[k], reach);
    holes_found = holes_found && hole.accepted();
    if (hole.accepted()) shape.holes[k] = hole.points;
    hole_area += add(shape.holes[k], -1);
    hole_variance += hole.spread * hole.spread * kShared * LengthOf(shape.holes[k]);
  }
  area -= hole_area;
  const double net = filled - hole_area;

  const RefinedContour& outer = parts.front();
  const Contour hull = HullOf([&] {
    Contour all;
    for (const RefinedContour& part : parts) all.insert(all.end(), part.points.begin(), part.points.end());
    return all;
  }());
  const Rectangle rectangle = SmallestRectangle(hull);
  const Feret feret = FeretOf(hull);
  const Circle circle = FitCircle(outer.points);
  double farthest = 0;
  double xx = 0;
  double yy = 0;
  const Point center{x / net, y / net};
  for (const RefinedContour& part : parts) {
    for (const Point& point : part.points) {
      const double dx = point.x - center.x;
      const double dy = point.y - center.y;
      farthest = std::max(farthest, dx * dx + dy * dy);
      xx += dx * dx * part.spread * part.spread * kShared;
      yy += dy * dy * part.spread * part.spread * kShared;
    }
  }

  Measures& r = shape.measures;
  Measures& u = shape.uncertainties;
  const double edge = outer.spread * std::sqrt(kShared / static_cast<double>(outer.found.size()));
  r[Measure::kArea] = area;
  r[Measure::kAreaFilled] = filled;
  u[Measure::kAreaFilled] = std::sqrt(area_variance);
  if (holes_found) u[Measure::kArea] = std::sqrt(area_variance + hole_variance);
  r[Measure::kHoleArea] = hole_area;
  if (holes_found) u[Measure::kHoleArea] = std::sqrt(hole_variance);
  r[Measure::kX] = center.x;
  r[Measure::kY] = center.y;
  if (holes_found) {
    u[Measure::kX] = std::sqrt(xx) / net;
    u[Measure::kY] = std::sqrt(yy) / net;
  }
  r[Measure::kPerimeter] = length;
  u[Measure::kPerimeter] = 2 * kPi * edge;
  r[Measure::kCircularity] = 4 * kPi * filled / (length * length);
  r[Measure::kRoundness] = filled / (kPi * farthest);
  r[Measure::kConvexity] = filled / std::abs(AreaOf(hull).area);
  r[Measure::kRectangularity] = filled / (rectangle.length * rectangle.width);
  r[Measure::kFeretMax] = feret.max;
  r[Measure::kFeretMin] = feret.min;
  r[Measure::kDiameter] = 2 * std::sqrt(area / kPi);
  u[Measure::kDiameter] = u[Measure::kArea] * 2 / (kPi * r[Measure::kDiameter]);
  r[Measure::kCircleX] = circle.center.x;
  r[Measure::kCircleY] = circle.center.y;
  r[Measure::kCircleDiameter] = 2 * circle.radius;
  r[Measure::kCircleRms] = circle.rms;
  const double scatter =
      std::max(circle.rms, outer.spread) * std::sqrt(kShared / static_cast<double>(outer.found.size()));
  u[Measure::kCircleX] = u[Measure::kCircleY] = std::sqrt(2) * scatter;
  u[Measure::kCircleDiameter] = 2 * scatter;

  const double c = std::cos(rectangle.angle * kPi / 180);
  const double s = std::sin(rectangle.angle * kPi / 180);
  r[Measure::kLength] = rectangle.length;
  r[Measure::kWidth] = rectangle.width;
  double angle = rectangle.angle;
  if (const auto lines = TwoLines(outer.found, rectangle, c, s, rectangle.length, rectangle.width)) {
    r[Measure::kLength] = lines->value;
    u[Measure::kLength] = lines->uncertainty;
  }
  if (const auto lines = TwoLines(outer.found, rectangle, -s, c, rectangle.width, rectangle.length)) {
    r[Measure::kWidth] = lines->value;
    u[Measure::kWidth] = lines->uncertainty;
    angle = HalfTurn(lines->angle - 90);
  }
  if (r[Measure::kWidth] > r[Measure::kLength]) {
    std::swap(r[Measure::kWidth], r[Measure::kLength]);
    std::swap(u[Measure::kWidth], u[Measure::kLength]);
  }
  r[Measure::kOrientation] = r[Measure::kWidth] <= kMostAspect * r[Measure::kLength] ? angle : kNan;
  r[Measure::kAspect] = r[Measure::kLength] / r[Measure::kWidth];
  r[Measure::kElongation] = 1 - r[Measure::kWidth] / r[Measure::kLength];
  return shape;
}

}  // namespace fastsamd
