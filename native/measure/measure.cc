#include "measure/measure.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/contour.h"
#include "measure/fit.h"
#include "measure/hull.h"
#include "measure/moments.h"
#include "measure/outline.h"

namespace fastsamd {
namespace {

constexpr double kPi = 3.14159265358979323846;
/// Of the factor that gives a smoothed outline its length back: more would be made of hardly any area.
constexpr double kMostGrowth = 1.5;

bool TouchesFrame(const Run* runs, size_t count, int width, int height) {
  if (count == 0) return false;
  const auto rows = static_cast<uint32_t>(height);
  if (runs[0].start < rows || runs[count - 1].end > static_cast<uint32_t>(width - 1) * rows) return true;
  for (size_t k = 0; k < count; ++k) {
    // A run that crosses columns touches both rows.
    if (runs[k].start % rows == 0 || runs[k].start / rows != runs[k].end / rows) return true;
  }
  return false;
}

struct Ring {
  const GridPoint* corners;
  size_t count;
  /// Pixels inside, holes included.
  double area;
};

Ring RingOf(const MultiPolygon& polygons, size_t ring) {
  const GridPoint* corners = polygons.points.data() + polygons.rings[ring];
  const size_t count = polygons.rings[ring + 1] - polygons.rings[ring];
  int64_t twice = 0;
  for (size_t k = 0; k < count; ++k) {
    const GridPoint& a = corners[k];
    const GridPoint& b = corners[k + 1 == count ? 0 : k + 1];
    twice += static_cast<int64_t>(a[0]) * b[1] - static_cast<int64_t>(b[0]) * a[1];
  }
  return {corners, count, std::abs(static_cast<double>(twice)) / 2};
}

/// Whether the first pixel of `part` lies inside of `ring` (even-odd; pixel centres are on no side of a ring).
bool LiesIn(const Ring& part, const Ring& ring) {
  const GridPoint& a = part.corners[0];
  const GridPoint& b = part.corners[1];
  const int dx = (b[0] > a[0]) - (b[0] < a[0]);
  const int dy = (b[1] > a[1]) - (b[1] < a[1]);
  // Outlines turn clockwise on screen: the object is to the right.
  const double x = a[0] + (dx - dy) / 2.0;
  const double y = a[1] + (dy + dx) / 2.0;
  bool inside = false;
  for (size_t k = 0; k < ring.count; ++k) {
    const GridPoint& p = ring.corners[k];
    const GridPoint& q = ring.corners[k + 1 == ring.count ? 0 : k + 1];
    // Sides are upright or level.
    if (p[0] > x && (p[1] > y) != (q[1] > y)) inside = !inside;
  }
  return inside;
}

}  // namespace

const char* const kMeasureNames[kMeasures] = {
    "area",        "areaFilled",     "x",         "y",         "major",          "minor",        "ellipseAngle",
    "perimeter",   "circularity",    "roundness", "convexity", "rectangularity", "length",       "width",
    "orientation", "feretMax",       "feretMin",  "aspect",    "elongation",     "diameter",     "circleX",
    "circleY",     "circleDiameter", "circleRms", "holes",     "holeArea",       "touchesFrame",
};

Result<MaskShape> MeasureMask(const Run* runs, size_t count, int width, int height, double min_hole_area,
                              const MeasureGroups& groups) {
  Result<MultiPolygon> traced = TracePolygons(runs, count, width, height, 0);
  if (!traced.ok()) return traced.error();
  const MultiPolygon& polygons = traced.value();
  MaskShape shape;
  Measures& m = shape.measures;
  std::fill(std::begin(m.values), std::end(m.values), std::nan(""));

  const Moments moments = MomentsOf(runs, count, height);
  m[Measure::kArea] = static_cast<double>(moments.area);
  m[Measure::kTouchesFrame] = TouchesFrame(runs, count, width, height) ? 1 : 0;
  m[Measure::kHoles] = m[Measure::kHoleArea] = 0;
  m[Measure::kAreaFilled] = 0;
  if (moments.area == 0) return shape;

  std::vector<Ring> parts;
  std::vector<Ring> holes;
  for (size_t p = 0; p + 1 < polygons.polygons.size(); ++p) {
    parts.push_back(RingOf(polygons, polygons.polygons[p]));
    for (size_t ring = polygons.polygons[p] + 1; ring < polygons.polygons[p + 1]; ++ring) {
      holes.push_back(RingOf(polygons, ring));
    }
  }
  // A part inside of a hole is filled together with the hole.
  parts.erase(std::remove_if(parts.begin(), parts.end(),
                             [&holes](const Ring& part) {
                               return std::any_of(holes.begin(), holes.end(),
                                                  [&part](const Ring& hole) { return LiesIn(part, hole); });
                             }),
              parts.end());
  std::stable_sort(parts.begin(), parts.end(), [](const Ring& a, const Ring& b) { return a.area > b.area; });
  for (const Ring& part : parts) m[Measure::kAreaFilled] += part.area;
  for (const Ring& hole : holes) {
    if (hole.area < min_hole_area) continue;
    m[Measure::kHoles] += 1;
    m[Measure::kHoleArea] += hole.area;
    shape.holes.push_back(SmoothOutline(hole.corners, hole.count));
  }

  double length = 0;
  double smooth_area = 0;
  // Squared.
  double farthest = 0;
  for (const Ring& part : parts) {
    Contour outline = SmoothOutline(part.corners, part.count);
    const double area = std::abs(AreaOf(outline).area);
    // A Gaussian shrinks what it smooths, evenly: the area says by how much.
    length += LengthOf(outline) * std::min(kMostGrowth, std::sqrt(part.area / area));
    smooth_area += area;
    for (const Point& point : outline) {
      const double dx = point.x - moments.x;
      const double dy = point.y - moments.y;
      farthest = std::max(farthest, dx * dx + dy * dy);
    }
    shape.outlines.push_back(std::move(outline));
  }
  const Ellipse ellipse = EllipseOf(moments);
  const double filled = m[Measure::kAreaFilled];
  m[Measure::kX] = moments.x;
  m[Measure::kY] = moments.y;
  m[Measure::kMajor] = ellipse.major;
  m[Measure::kMinor] = ellipse.minor;
  m[Measure::kEllipseAngle] = ellipse.angle;
  m[Measure::kPerimeter] = length;
  m[Measure::kCircularity] = 4 * kPi * filled / (length * length);
  m[Measure::kRoundness] = std::min(1.0, smooth_area / (kPi * farthest));
  m[Measure::kDiameter] = 2 * std::sqrt(static_cast<double>(moments.area) / kPi);
  if (groups.hull) {
    const Contour hull = HullOfRuns(runs, count, height);
    const auto [rectangle, feret] = CalipersOf(hull);
    m[Measure::kConvexity] = filled / AreaOf(hull).area;
    m[Measure::kRectangularity] = filled / (rectangle.length * rectangle.width);
    m[Measure::kLength] = rectangle.length;
    m[Measure::kWidth] = rectangle.width;
    if (rectangle.width <= kMostAspect * rectangle.length) m[Measure::kOrientation] = rectangle.angle;
    m[Measure::kFeretMax] = feret.max;
    m[Measure::kFeretMin] = feret.min;
    m[Measure::kAspect] = rectangle.length / rectangle.width;
    m[Measure::kElongation] = 1 - rectangle.width / rectangle.length;
  }
  if (groups.circle) {
    const Circle circle = FitCircle(SideMiddles(parts.front().corners, parts.front().count));
    m[Measure::kCircleX] = circle.center.x;
    m[Measure::kCircleY] = circle.center.y;
    m[Measure::kCircleDiameter] = 2 * circle.radius;
    m[Measure::kCircleRms] = circle.rms;
  }
  return shape;
}

}  // namespace fastsamd
