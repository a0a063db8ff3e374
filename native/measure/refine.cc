#include "measure/refine.h"

#include <algorithm>
#include <array>
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
constexpr double kMiddle = 0.8;
/// What belongs to a side lies this near to it, in pixels.
constexpr double kNear = 2;
/// A straight edge: so much of the side near to it, with no more scatter (rms, pixels).
constexpr double kLeastNear = 0.8;
constexpr double kMostScatter = 0.5;
constexpr size_t kLeastPoints = 8;

/// Turns to the part of the picture that the outlines are in, and `margin` pixels more.
void OpenAround(const ImageView& image, const MaskShape& mask, double margin, LumaPatch& luma) {
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
  luma.Open(image, static_cast<int>(x0 - margin), static_cast<int>(y0 - margin), static_cast<int>(x1 + margin) + 1,
            static_cast<int>(y1 + margin) + 1);
}

/// What lies near to the sides of a rectangle, away from their ends: at the ends of its length in and against its
/// direction, then likewise of its width.
std::array<Contour, 4> SidesOf(const Contour& found, const Rectangle& rectangle) {
  const double c = std::cos(rectangle.angle * kPi / 180);
  const double s = std::sin(rectangle.angle * kPi / 180);
  std::array<Contour, 4> sides;
  for (const Point& point : found) {
    const double x = point.x - rectangle.center.x;
    const double y = point.y - rectangle.center.y;
    const double along = c * x + s * y;
    const double across = c * y - s * x;
    const auto is_at = [](double distance, double extent) {
      return std::abs(std::abs(distance) - extent / 2) <= kNear;
    };
    const auto is_middle = [](double distance, double extent) { return std::abs(distance) <= kMiddle / 2 * extent; };
    if (is_at(along, rectangle.length) && is_middle(across, rectangle.width)) sides[along > 0 ? 0 : 1].push_back(point);
    if (is_at(across, rectangle.width) && is_middle(along, rectangle.length))
      sides[across > 0 ? 2 : 3].push_back(point);
  }
  return sides;
}

/// The line along one side of a rectangle, which is `side` long; `nx`, `ny` point out of it.
std::optional<Line> SideLine(const Contour& near, double nx, double ny, double side) {
  const auto points = static_cast<double>(near.size());
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

/// Distance of two edges of a rectangle, each `side` long, at the middle of their length; `one` lies at the end to
/// which (nx, ny) points.
std::optional<Distance> TwoLines(const Contour& one, const Contour& other, double nx, double ny, double side) {
  const auto a = SideLine(one, nx, ny, side);
  const auto b = SideLine(other, -nx, -ny, side);
  if (!a || !b) return std::nullopt;
  const auto points_a = static_cast<double>(one.size());
  const auto points_b = static_cast<double>(other.size());
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

/// A contour on the plane, and its spread in units there.
void MapOnto(const Plane& plane, RefinedContour& contour) {
  const RingArea ring = AreaOf(contour.points);
  contour.spread *= plane.Scale({ring.x, ring.y});
  for (Point& point : contour.points) point = plane.Map(point);
  for (Point& point : contour.found) point = plane.Map(point);
}

bool IsFinite(const RefinedContour& contour) {
  return std::all_of(contour.points.begin(), contour.points.end(),
                     [](const Point& point) { return std::isfinite(point.x) && std::isfinite(point.y); });
}

/// The ellipse of a mask as the plane has it, to first order.
void MapEllipse(const std::array<double, 4>& slope, Measures& measures) {
  const double angle =
      (std::isnan(measures[Measure::kEllipseAngle]) ? 0 : measures[Measure::kEllipseAngle]) * kPi / 180;
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  const double major = std::pow(measures[Measure::kMajor] / 4, 2);
  const double minor = std::pow(measures[Measure::kMinor] / 4, 2);
  const double xx = major * c * c + minor * s * s;
  const double xy = (major - minor) * c * s;
  const double yy = major * s * s + minor * c * c;
  const auto [a, b, d, e] = slope;
  Moments moments;
  moments.xx = a * a * xx + 2 * a * b * xy + b * b * yy;
  moments.xy = a * d * xx + (a * e + b * d) * xy + b * e * yy;
  moments.yy = d * d * xx + 2 * d * e * xy + e * e * yy;
  const Ellipse ellipse = EllipseOf(moments);
  measures[Measure::kMajor] = ellipse.major;
  measures[Measure::kMinor] = ellipse.minor;
  measures[Measure::kEllipseAngle] = ellipse.angle;
}

/// Fills in what the rectangle of least area around the parts and their widest and narrowest extents measure. `filled`:
/// area of the parts without holes.
void MeasureHull(const std::vector<RefinedContour>& parts, double filled, RefinedShape& shape) {
  const RefinedContour& outer = parts.front();
  Contour all = outer.points;
  for (size_t k = 1; k < parts.size(); ++k) all.insert(all.end(), parts[k].points.begin(), parts[k].points.end());
  const Contour hull = HullOf(std::move(all));
  const auto [rectangle, feret] = CalipersOf(hull);
  Measures& r = shape.measures;
  Measures& u = shape.uncertainties;
  r[Measure::kConvexity] = filled / std::abs(AreaOf(hull).area);
  r[Measure::kRectangularity] = filled / (rectangle.length * rectangle.width);
  r[Measure::kFeretMax] = feret.max;
  r[Measure::kFeretMin] = feret.min;
  const double c = std::cos(rectangle.angle * kPi / 180);
  const double s = std::sin(rectangle.angle * kPi / 180);
  r[Measure::kLength] = rectangle.length;
  r[Measure::kWidth] = rectangle.width;
  double angle = rectangle.angle;
  const std::array<Contour, 4> sides = SidesOf(outer.found, rectangle);
  if (const auto lines = TwoLines(sides[0], sides[1], c, s, rectangle.width)) {
    r[Measure::kLength] = lines->value;
    u[Measure::kLength] = lines->uncertainty;
  }
  if (const auto lines = TwoLines(sides[2], sides[3], -s, c, rectangle.length)) {
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
}

void MeasureCircle(const RefinedContour& outer, RefinedShape& shape) {
  const Circle circle = FitCircle(outer.points);
  Measures& r = shape.measures;
  Measures& u = shape.uncertainties;
  r[Measure::kCircleX] = circle.center.x;
  r[Measure::kCircleY] = circle.center.y;
  r[Measure::kCircleDiameter] = 2 * circle.radius;
  r[Measure::kCircleRms] = circle.rms;
  const double scatter =
      std::max(circle.rms, outer.spread) * std::sqrt(kShared / static_cast<double>(outer.found.size()));
  u[Measure::kCircleX] = u[Measure::kCircleY] = std::sqrt(2) * scatter;
  u[Measure::kCircleDiameter] = 2 * scatter;
}

/// Fills in what the contours measure, on the plane where there is one; then the contours are those of the plane. `m`:
/// what the mask measures, in pixels.
void MeasureContours(const Measures& m, std::vector<RefinedContour>& parts, std::vector<RefinedContour>& holes,
                     const Plane* plane, const MeasureGroups& groups, RefinedShape& shape) {
  // Of a pixel's area by that of a unit.
  double square = 1;
  if (plane != nullptr) {
    const auto slope = plane->Slope({m[Measure::kX], m[Measure::kY]});
    square = std::abs(slope[0] * slope[3] - slope[1] * slope[2]);
    MapEllipse(slope, shape.measures);
    for (RefinedContour& part : parts) MapOnto(*plane, part);
    for (RefinedContour& hole : holes) MapOnto(*plane, hole);
    // Beyond the horizon of the plane there is nothing to measure.
    if (!std::all_of(parts.begin(), parts.end(), IsFinite) || !std::all_of(holes.begin(), holes.end(), IsFinite)) {
      Measures& measures = shape.measures;
      const double touches = measures[Measure::kTouchesFrame];
      std::fill(std::begin(measures.values), std::end(measures.values), kNan);
      measures[Measure::kTouchesFrame] = touches;
      measures[Measure::kHoles] = static_cast<double>(holes.size());
      return;
    }
  }
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
  for (const RefinedContour& part : parts) {
    filled += add(part.points, 1);
    const double perimeter = LengthOf(part.points);
    length += perimeter;
    area_variance += part.spread * part.spread * kShared * perimeter;
  }
  // Background too small to count keeps the size that the mask gives it.
  double area = filled - square * (m[Measure::kAreaFilled] - m[Measure::kArea] - m[Measure::kHoleArea]);
  double hole_area = 0;
  double hole_variance = 0;
  bool holes_found = true;
  for (const RefinedContour& hole : holes) {
    holes_found = holes_found && hole.accepted();
    hole_area += add(hole.points, -1);
    hole_variance += hole.spread * hole.spread * kShared * LengthOf(hole.points);
  }
  area -= hole_area;
  const double net = filled - hole_area;

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
  const RefinedContour& outer = parts.front();
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
  r[Measure::kDiameter] = 2 * std::sqrt(area / kPi);
  u[Measure::kDiameter] = u[Measure::kArea] * 2 / (kPi * r[Measure::kDiameter]);
  if (groups.hull) MeasureHull(parts, filled, shape);
  if (groups.circle) MeasureCircle(outer, shape);
}

/// What a mask measures on a plane, from its outlines; without uncertainties.
void MeasureMaskOn(const Plane& plane, const MaskShape& mask, const MeasureGroups& groups, RefinedShape& shape) {
  if (mask.outlines.empty()) return;
  const auto contours = [](const std::vector<Contour>& outlines) {
    std::vector<RefinedContour> all;
    for (const Contour& outline : outlines) {
      all.emplace_back();
      all.back().points = outline;
    }
    return all;
  };
  std::vector<RefinedContour> parts = contours(mask.outlines);
  std::vector<RefinedContour> holes = contours(mask.holes);
  MeasureContours(mask.measures, parts, holes, &plane, groups, shape);
  std::fill(std::begin(shape.uncertainties.values), std::end(shape.uncertainties.values), kNan);
}

}  // namespace

RefinedShape Unrefined(MaskShape mask, const Plane* plane, const MeasureGroups& groups) {
  RefinedShape shape;
  shape.measures = mask.measures;
  std::fill(std::begin(shape.uncertainties.values), std::end(shape.uncertainties.values), kNan);
  if (plane != nullptr) MeasureMaskOn(*plane, mask, groups, shape);
  shape.outlines = std::move(mask.outlines);
  shape.holes = std::move(mask.holes);
  return shape;
}

RefinedShape RefineShape(const ImageView& image, const MaskShape& mask, double reach, const Plane* plane) {
  return Refiner().Refine(image, mask, reach, plane);
}

RefinedShape Refiner::Refine(const ImageView& image, const MaskShape& mask, double reach, const Plane* plane,
                             const MeasureGroups& groups) {
  if (mask.outlines.empty()) return Unrefined(mask);
  const double margin = EdgeFinder::MarginFor(reach);
  OpenAround(image, mask, margin + 1, luma_);
  const double noise = luma_.Noise();
  const auto find = [&](const Contour& outline) { return edges_.Find(luma_, noise, outline, reach); };

  std::vector<RefinedContour> parts;
  parts.reserve(mask.outlines.size());
  double points = 0;
  double weak = 0;
  double off = 0;
  for (const Contour& outline : mask.outlines) {
    parts.push_back(find(outline));
    const auto count = static_cast<double>(outline.size());
    points += count;
    weak += parts.back().weak * count;
    off += parts.back().off * count;
  }
  // Every part must be found again: a sum of areas of two kinds would have no meaning.
  const bool refined =
      std::all_of(parts.begin(), parts.end(), [](const RefinedContour& part) { return part.accepted(); });
  RefinedShape shape;
  if (refined) {
    shape.measures = mask.measures;
    std::fill(std::begin(shape.uncertainties.values), std::end(shape.uncertainties.values), kNan);
    std::vector<RefinedContour> holes;
    holes.reserve(mask.holes.size());
    for (const Contour& outline : mask.holes) {
      holes.push_back(find(outline));
      if (!holes.back().accepted()) holes.back().points = outline;
    }
    const auto hand_out = [&](auto take) {
      for (RefinedContour& part : parts) shape.outlines.push_back(take(part.points));
      for (RefinedContour& hole : holes) shape.holes.push_back(take(hole.points));
    };
    // On a plane the contours change while they are measured.
    if (plane != nullptr) hand_out([](const Contour& contour) { return contour; });
    MeasureContours(mask.measures, parts, holes, plane, groups, shape);
    if (plane == nullptr) hand_out([](Contour& contour) { return std::move(contour); });
  } else {
    shape = Unrefined(mask, plane, groups);
  }
  shape.refined = refined;
  shape.weak = weak / points;
  shape.off = off / points;
  return shape;
}

}  // namespace fastsamd
