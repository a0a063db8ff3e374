#include "eval/polygon_mask.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/image.h"

namespace fastsamd {
namespace {

/// COCO walks the outline on a grid this many times finer than the pixels.
constexpr int kFiner = 5;

struct Step {
  int x;
  int y;
};

/// The fine-grid cells of one edge, both ends included, from `from` to `to`. Interpolation runs from the smaller
/// coordinate upwards and rounds half up, whichever way the edge points: so the cells of an edge that two polygons
/// share are the same.
void WalkEdge(Step from, Step to, std::vector<Step>& walk) {
  const int dx = std::abs(to.x - from.x);
  const int dy = std::abs(to.y - from.y);
  const bool flat = dx >= dy;
  const bool flip = flat ? from.x > to.x : from.y > to.y;
  if (flip) std::swap(from, to);
  const int length = flat ? dx : dy;
  const double slope = length == 0 ? 0 : static_cast<double>(flat ? to.y - from.y : to.x - from.x) / length;
  for (int d = 0; d <= length; ++d) {
    const int t = flip ? length - d : d;
    if (flat) {
      walk.push_back({t + from.x, static_cast<int>(from.y + slope * t + .5)});
    } else {
      walk.push_back({static_cast<int>(from.x + slope * t + .5), t + from.y});
    }
  }
}

/// Column-major pixel indices at which the inside of `ring` begins or ends.
void AppendCrossings(const Ring& ring, int width, int height, std::vector<uint32_t>& crossings) {
  const size_t points = ring.size() / 2;
  const auto fine = [&](size_t point) {
    const size_t i = 2 * (point % points);
    return Step{static_cast<int>(kFiner * ring[i] + .5), static_cast<int>(kFiner * ring[i + 1] + .5)};
  };
  std::vector<Step> walk;
  for (size_t j = 0; j < points; ++j) WalkEdge(fine(j), fine(j + 1), walk);
  for (size_t j = 1; j < walk.size(); ++j) {
    if (walk[j].x == walk[j - 1].x) continue;
    const double x = (std::min(walk[j].x, walk[j - 1].x) + .5) / kFiner - .5;
    if (std::floor(x) != x || x < 0 || x > width - 1) continue;
    double y = (std::min(walk[j].y, walk[j - 1].y) + .5) / kFiner - .5;
    y = std::ceil(std::clamp(y, 0., static_cast<double>(height)));
    crossings.push_back(static_cast<uint32_t>(x) * static_cast<uint32_t>(height) + static_cast<uint32_t>(y));
  }
}

/// Pairs of sorted crossings as runs that ascend and do not touch.
std::vector<Run> RunsBetween(std::vector<uint32_t>& crossings, uint32_t pixels) {
  std::sort(crossings.begin(), crossings.end());
  if (crossings.size() % 2 != 0) crossings.push_back(pixels);
  std::vector<Run> runs;
  for (size_t i = 0; i + 1 < crossings.size(); i += 2) {
    const Run run{crossings[i], crossings[i + 1]};
    if (run.start == run.end) continue;
    if (!runs.empty() && runs.back().end == run.start) {
      runs.back().end = run.end;
    } else {
      runs.push_back(run);
    }
  }
  return runs;
}

std::vector<Run> Union(const std::vector<Run>& a, const std::vector<Run>& b) {
  std::vector<Run> all(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), all.begin(),
             [](const Run& left, const Run& right) { return left.start < right.start; });
  std::vector<Run> runs;
  for (const Run& run : all) {
    if (!runs.empty() && run.start <= runs.back().end) {
      runs.back().end = std::max(runs.back().end, run.end);
    } else {
      runs.push_back(run);
    }
  }
  return runs;
}

}  // namespace

Result<std::vector<Run>> PolygonMask(const std::vector<Ring>& rings, int width, int height) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    return Error{ErrorCode::kMisuse, "expected a mask of 1 to " + std::to_string(kMaxSide) + " pixels a side, got " +
                                         std::to_string(width) + "x" + std::to_string(height)};
  }
  const uint32_t pixels = static_cast<uint32_t>(width) * static_cast<uint32_t>(height);
  std::vector<Run> runs;
  for (const Ring& ring : rings) {
    if (ring.size() % 2 != 0 || ring.size() < 6) {
      return Error{ErrorCode::kPromptInvalid, "expected a polygon of at least three points as x, y, x, y, …, got " +
                                                  std::to_string(ring.size()) + " numbers"};
    }
    for (const double value : ring) {
      if (!(std::abs(value) <= kMaxCoordinate)) {
        return Error{ErrorCode::kPromptInvalid,
                     "expected polygon coordinates within +-1e5 pixels, got " + std::to_string(value)};
      }
    }
    std::vector<uint32_t> crossings;
    AppendCrossings(ring, width, height, crossings);
    const std::vector<Run> filled = RunsBetween(crossings, pixels);
    runs = runs.empty() ? filled : Union(runs, filled);
  }
  return runs;
}

}  // namespace fastsamd
