#include "measure/gap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fastsamd {
namespace {

constexpr size_t kStretch = 16;

/// Bounds of consecutive sides.
struct Stretch {
  size_t first;
  size_t last;
  double x0, y0, x1, y1;
};

std::vector<Stretch> StretchesOf(const Contour& contour) {
  std::vector<Stretch> stretches;
  for (size_t first = 0; first < contour.size(); first += kStretch) {
    const size_t last = std::min(first + kStretch, contour.size());
    Stretch s{first, last, contour[first].x, contour[first].y, contour[first].x, contour[first].y};
    for (size_t k = first; k <= last; ++k) {
      const Point& p = contour[k % contour.size()];
      s.x0 = std::min(s.x0, p.x);
      s.x1 = std::max(s.x1, p.x);
      s.y0 = std::min(s.y0, p.y);
      s.y1 = std::max(s.y1, p.y);
    }
    stretches.push_back(s);
  }
  return stretches;
}

double BoundOf(const Stretch& a, const Stretch& b) {
  const double dx = std::max({0.0, a.x0 - b.x1, b.x0 - a.x1});
  const double dy = std::max({0.0, a.y0 - b.y1, b.y0 - a.y1});
  return dx * dx + dy * dy;
}

double Cross(const Point& o, const Point& a, const Point& b) {
  return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

Point NearestOn(const Point& p, const Point& a, const Point& b) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double square = dx * dx + dy * dy;
  const double t = square > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / square, 0.0, 1.0) : 0;
  return {a.x + t * dx, a.y + t * dy};
}

struct Best {
  double square = std::numeric_limits<double>::infinity();
  Point a{};
  Point b{};

  void Offer(const Point& p, const Point& q) {
    const double there = (p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y);
    if (there < square) *this = {there, p, q};
  }
};

void Compare(const Point& a, const Point& b, const Point& c, const Point& d, Best& best) {
  const double ca = Cross(c, d, a);
  const double cb = Cross(c, d, b);
  if (ca * cb < 0 && Cross(a, b, c) * Cross(a, b, d) < 0) {
    const double t = ca / (ca - cb);
    const Point crossing{a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)};
    best.Offer(crossing, crossing);
    return;
  }
  best.Offer(a, NearestOn(a, c, d));
  best.Offer(b, NearestOn(b, c, d));
  best.Offer(NearestOn(c, a, b), c);
  best.Offer(NearestOn(d, a, b), d);
}

}  // namespace

Gap GapBetween(const Contour& a, const Contour& b) {
  const std::vector<Stretch> left = StretchesOf(a);
  const std::vector<Stretch> right = StretchesOf(b);
  Best best;
  for (const Stretch& s : left) {
    for (const Stretch& t : right) {
      if (BoundOf(s, t) >= best.square) continue;
      for (size_t i = s.first; i < s.last; ++i) {
        for (size_t k = t.first; k < t.last; ++k) {
          Compare(a[i], a[(i + 1) % a.size()], b[k], b[(k + 1) % b.size()], best);
        }
      }
    }
  }
  return {std::sqrt(best.square), best.a, best.b};
}

}  // namespace fastsamd
