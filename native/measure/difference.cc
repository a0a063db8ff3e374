#include "measure/difference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "core/color.h"
#include "measure/luma.h"

namespace fastsamd {
namespace {

/// A part of the golden picture's plane: pixels [x0, x0 + width) x [y0, y0 + height), row-major.
struct Plate {
  int x0 = 0;
  int y0 = 0;
  int width = 0;
  int height = 0;
  std::vector<float> values;

  Plate(int left, int top, int columns, int rows)
      : x0(left),
        y0(top),
        width(columns),
        height(rows),
        values(static_cast<size_t>(columns) * static_cast<size_t>(rows)) {}

  float* Row(int y) { return values.data() + static_cast<size_t>(y) * static_cast<size_t>(width); }
  const float* Row(int y) const { return values.data() + static_cast<size_t>(y) * static_cast<size_t>(width); }
};

/// Binomial 3 x 3: takes out the noise of single pixels.
Plate Smoothed(const Plate& in) {
  Plate across(in.x0, in.y0, in.width, in.height);
  for (int y = 0; y < in.height; ++y) {
    const float* from = in.Row(y);
    float* to = across.Row(y);
    for (int x = 0; x < in.width; ++x) {
      to[x] = (from[std::max(0, x - 1)] + 2 * from[x] + from[std::min(in.width - 1, x + 1)]) / 4;
    }
  }
  Plate out(in.x0, in.y0, in.width, in.height);
  for (int y = 0; y < in.height; ++y) {
    const float* above = across.Row(std::max(0, y - 1));
    const float* here = across.Row(y);
    const float* below = across.Row(std::min(in.height - 1, y + 1));
    float* to = out.Row(y);
    for (int x = 0; x < in.width; ++x) to[x] = (above[x] + 2 * here[x] + below[x]) / 4;
  }
  return out;
}

/// Means of 2 x 2 pixels; what is left over at the right and below is dropped.
Plate Halved(const Plate& in) {
  Plate out(0, 0, in.width / 2, in.height / 2);
  for (int y = 0; y < out.height; ++y) {
    const float* a = in.Row(2 * y);
    const float* b = in.Row(2 * y + 1);
    float* to = out.Row(y);
    for (int x = 0; x < out.width; ++x) to[x] = (a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1]) / 4;
  }
  return out;
}

/// Sums over pairs of pixels.
struct Pairs {
  double n = 0;
  double sum_g = 0;
  double sum_t = 0;
  double gg = 0;
  double tt = 0;
  double gt = 0;

  void Add(double g, double t) {
    n += 1;
    sum_g += g;
    sum_t += t;
    gg += g * g;
    tt += t * t;
    gt += g * t;
  }
  double VarianceG() const { return n > 0 ? gg / n - sum_g / n * (sum_g / n) : 0; }
  double VarianceT() const { return n > 0 ? tt / n - sum_t / n * (sum_t / n) : 0; }
  double Correlation() const {
    if (n < 1) return 0;
    const double scale = std::sqrt(std::max(0.0, VarianceG()) * std::max(0.0, VarianceT()));
    return scale > 1e-9 ? (gt / n - sum_g / n * (sum_t / n)) / scale : 0;
  }
};

/// Of `golden` and the `other` that lies (margin + dx, margin + dy) further into its plate.
Pairs PairsAt(const Plate& golden, const Plate& weight, const Plate& other, int margin, int dx, int dy) {
  Pairs pairs;
  for (int y = 0; y < golden.height; ++y) {
    const int v = y + margin + dy;
    if (v < 0 || v >= other.height) continue;
    const float* g = golden.Row(y);
    const float* w = weight.Row(y);
    const float* t = other.Row(v);
    for (int x = 0; x < golden.width; ++x) {
      const int u = x + margin + dx;
      if (w[x] < 0.5F || u < 0 || u >= other.width || std::isnan(t[u])) continue;
      pairs.Add(g[x], t[u]);
    }
  }
  return pairs;
}

struct Shift {
  int dx = 0;
  int dy = 0;
};

/// Of equal correlations the shorter shift counts, so that pictures without structure do not move.
Shift BestShift(const Plate& golden, const Plate& weight, const Plate& other, int margin, Shift around, int reach) {
  Shift best = around;
  double highest = -std::numeric_limits<double>::infinity();
  for (int dy = around.dy - reach; dy <= around.dy + reach; ++dy) {
    for (int dx = around.dx - reach; dx <= around.dx + reach; ++dx) {
      const double match = PairsAt(golden, weight, other, margin, dx, dy).Correlation();
      const bool shorter = std::abs(dx) + std::abs(dy) < std::abs(best.dx) + std::abs(best.dy);
      if (match > highest + 1e-9 || (match > highest - 1e-9 && shorter)) {
        highest = std::max(highest, match);
        best = {dx, dy};
      }
    }
  }
  return best;
}

/// Greatest (or least) value within `radius`, chessboard distance; NaN never counts, and stays NaN where nothing else
/// is.
Plate Extreme(const Plate& in, int radius, bool greatest) {
  const auto better = [greatest](float a, float b) {
    if (std::isnan(a)) return b;
    if (std::isnan(b)) return a;
    return greatest ? std::max(a, b) : std::min(a, b);
  };
  Plate across(in.x0, in.y0, in.width, in.height);
  for (int y = 0; y < in.height; ++y) {
    const float* from = in.Row(y);
    float* to = across.Row(y);
    for (int x = 0; x < in.width; ++x) {
      float value = from[x];
      for (int k = std::max(0, x - radius); k <= std::min(in.width - 1, x + radius); ++k)
        value = better(value, from[k]);
      to[x] = value;
    }
  }
  Plate out(in.x0, in.y0, in.width, in.height);
  for (int y = 0; y < in.height; ++y) {
    float* to = out.Row(y);
    std::copy(across.Row(y), across.Row(y) + in.width, to);
    for (int k = std::max(0, y - radius); k <= std::min(in.height - 1, y + radius); ++k) {
      const float* from = across.Row(k);
      for (int x = 0; x < in.width; ++x) to[x] = better(to[x], from[x]);
    }
  }
  return out;
}

/// By how much `one` is outside what `other` has within the tolerance; not NaN unless `one` is.
float Outside(float one, float least, float greatest) {
  if (std::isnan(one) || std::isnan(least)) return 0;
  return std::max({0.0F, one - greatest, least - one});
}

/// Connects what lies within `radius` of each other; regions of pixels that differ, the largest first.
std::vector<DifferentRegion> RegionsOf(const std::vector<uint8_t>& differs, const Plate& frame, int radius) {
  const int width = frame.width;
  const int height = frame.height;
  std::vector<DifferentRegion> regions;
  std::vector<uint8_t> seen(differs.size());
  std::vector<size_t> pending;
  for (size_t start = 0; start < differs.size(); ++start) {
    if (differs[start] == 0 || seen[start] != 0) continue;
    pending.assign(1, start);
    seen[start] = 1;
    DifferentRegion region{0, 0, 0, width, height, 0, 0};
    while (!pending.empty()) {
      const size_t at = pending.back();
      pending.pop_back();
      const int x = static_cast<int>(at % static_cast<size_t>(width));
      const int y = static_cast<int>(at / static_cast<size_t>(width));
      ++region.area;
      region.x += x + 0.5;
      region.y += y + 0.5;
      region.left = std::min(region.left, x);
      region.top = std::min(region.top, y);
      region.right = std::max(region.right, x + 1);
      region.bottom = std::max(region.bottom, y + 1);
      for (int v = std::max(0, y - radius); v <= std::min(height - 1, y + radius); ++v) {
        for (int u = std::max(0, x - radius); u <= std::min(width - 1, x + radius); ++u) {
          const size_t next = static_cast<size_t>(v) * static_cast<size_t>(width) + static_cast<size_t>(u);
          if (differs[next] == 0 || seen[next] != 0) continue;
          seen[next] = 1;
          pending.push_back(next);
        }
      }
    }
    region.x = frame.x0 + region.x / region.area;
    region.y = frame.y0 + region.y / region.area;
    region.left += frame.x0 - radius;
    region.right += frame.x0 + radius;
    region.top += frame.y0 - radius;
    region.bottom += frame.y0 + radius;
    regions.push_back(region);
  }
  std::stable_sort(regions.begin(), regions.end(),
                   [](const DifferentRegion& a, const DifferentRegion& b) { return a.area > b.area; });
  return regions;
}

}  // namespace

Result<Difference> DifferenceTo(const ImageView& golden, const ImageView& other, const Pose& pose,
                                const std::optional<std::vector<Run>>& mask, const DifferenceOptions& options) {
  for (const ImageView* image : {&golden, &other}) {
    const Status valid = Validate(*image);
    if (!valid.ok()) return valid.error();
  }
  if (mask) {
    const Status valid = ValidateRuns(mask->data(), mask->size(), static_cast<uint64_t>(golden.width) * golden.height);
    if (!valid.ok()) return valid.error();
    if (mask->empty()) return Error{ErrorCode::kMisuse, "expected a mask that is not empty"};
  }
  int x0 = 0;
  int y0 = 0;
  int x1 = golden.width;
  int y1 = golden.height;
  if (mask) {
    const auto rows = static_cast<uint32_t>(golden.height);
    x0 = static_cast<int>(mask->front().start / rows);
    x1 = static_cast<int>((mask->back().end - 1) / rows) + 1;
    y0 = golden.height;
    y1 = 0;
    for (const Run& run : *mask) {
      const bool wraps = run.start / rows != (run.end - 1) / rows;
      y0 = std::min(y0, wraps ? 0 : static_cast<int>(run.start % rows));
      y1 = std::max(y1, wraps ? golden.height : static_cast<int>((run.end - 1) % rows) + 1);
    }
  }
  // What lies within the tolerance of the outermost pixels is looked at too.
  const int tolerance = options.tolerance;
  x0 = std::max(0, x0 - tolerance);
  y0 = std::max(0, y0 - tolerance);
  x1 = std::min(golden.width, x1 + tolerance);
  y1 = std::min(golden.height, y1 + tolerance);

  Plate g(x0, y0, x1 - x0, y1 - y0);
  Plate weight(x0, y0, g.width, g.height);
  const LumaPatch golden_luma(golden, x0, y0, x1, y1);
  for (int y = 0; y < g.height; ++y) {
    float* to = g.Row(y);
    for (int x = 0; x < g.width; ++x) to[x] = golden_luma.At(x0 + x + 0.5, y0 + y + 0.5);
    if (!mask) std::fill(weight.Row(y), weight.Row(y) + weight.width, 1.0F);
  }
  if (mask) {
    for (const Run& run : *mask) {
      for (uint32_t k = run.start; k < run.end; ++k) {
        const int x = static_cast<int>(k / static_cast<uint32_t>(golden.height)) - x0;
        weight.Row(static_cast<int>(k % static_cast<uint32_t>(golden.height)) - y0)[x] = 1;
      }
    }
  }

  // The other picture, in the plane of the golden one, as far around it as the shift may go.
  const int margin = options.reach + tolerance;
  Plate t(x0 - margin, y0 - margin, g.width + 2 * margin, g.height + 2 * margin);
  const LumaPatch other_luma(other, 0, 0, other.width, other.height);
  for (int y = 0; y < t.height; ++y) {
    float* to = t.Row(y);
    for (int x = 0; x < t.width; ++x) {
      const double px = t.x0 + x + 0.5;
      const double py = t.y0 + y + 0.5;
      const double u = pose.a * px - pose.b * py + pose.c;
      const double v = pose.b * px + pose.a * py + pose.d;
      const bool inside = u >= 0 && v >= 0 && u <= other.width && v <= other.height;
      to[x] = inside ? other_luma.At(u, v) : std::nanf("");
    }
  }

  // Coarse to fine. Plates that are too small for a coarse step are searched finely.
  Shift shift;
  if (options.reach > 0) {
    const bool coarse = std::min(g.width, g.height) >= 64;
    if (coarse) {
      const Plate g2 = Halved(g);
      const Plate w2 = Halved(weight);
      const Plate g4 = Halved(g2);
      const Plate w4 = Halved(w2);
      // Blocks begin at the same place as those of the golden picture: the margin is a multiple of 4 here.
      const int even = (margin + 3) / 4 * 4;
      Plate padded(t.x0 - (even - margin), t.y0 - (even - margin), t.width + even - margin, t.height + even - margin);
      std::fill(padded.values.begin(), padded.values.end(), std::nanf(""));
      for (int y = 0; y < t.height; ++y) {
        std::copy(t.Row(y), t.Row(y) + t.width, padded.Row(y + even - margin) + (even - margin));
      }
      const Plate t2 = Halved(padded);
      const Plate t4 = Halved(t2);
      const int reach4 = (options.reach + 3) / 4;
      const Shift at4 = BestShift(g4, w4, t4, even / 4, {}, reach4);
      const Shift at2 = BestShift(g2, w2, t2, even / 2, {2 * at4.dx, 2 * at4.dy}, 2);
      shift = BestShift(g, weight, t, margin, {2 * at2.dx, 2 * at2.dy}, 2);
    } else {
      shift = BestShift(g, weight, t, margin, {}, options.reach);
    }
    shift.dx = std::clamp(shift.dx, -options.reach, options.reach);
    shift.dy = std::clamp(shift.dy, -options.reach, options.reach);
  }

  const Pairs pairs = PairsAt(g, weight, t, margin, shift.dx, shift.dy);
  Difference difference;
  difference.dx = shift.dx;
  difference.dy = shift.dy;
  difference.match = pairs.Correlation();
  if (pairs.n < 1) return difference;
  const double ratio = std::sqrt(std::max(pairs.VarianceG(), 1.0) / std::max(pairs.VarianceT(), 1.0));
  const double gain = std::clamp(ratio, 0.5, 2.0);
  const double offset = pairs.sum_g / pairs.n - gain * (pairs.sum_t / pairs.n);

  Plate moved(x0, y0, g.width, g.height);
  for (int y = 0; y < g.height; ++y) {
    const float* from = t.Row(y + margin + shift.dy) + margin + shift.dx;
    float* to = moved.Row(y);
    for (int x = 0; x < g.width; ++x) to[x] = static_cast<float>(gain * from[x] + offset);
  }
  const Plate one = Smoothed(g);
  const Plate two = Smoothed(moved);
  const Plate one_high = Extreme(one, tolerance, true);
  const Plate one_low = Extreme(one, tolerance, false);
  const Plate two_high = Extreme(two, tolerance, true);
  const Plate two_low = Extreme(two, tolerance, false);
  std::vector<uint8_t> differs(g.values.size());
  for (size_t k = 0; k < differs.size(); ++k) {
    if (weight.values[k] < 0.5F || std::isnan(two.values[k])) continue;
    const float more = std::max(Outside(two.values[k], one_low.values[k], one_high.values[k]),
                                Outside(one.values[k], two_low.values[k], two_high.values[k]));
    differs[k] = more > options.contrast ? 1 : 0;
  }
  difference.regions = RegionsOf(differs, g, tolerance);
  const auto small = std::find_if(difference.regions.begin(), difference.regions.end(), [&options](const auto& region) {
    return region.area < static_cast<uint32_t>(options.min_area);
  });
  difference.regions.erase(small, difference.regions.end());
  for (const DifferentRegion& region : difference.regions) difference.area += region.area;
  if (difference.regions.size() > kMostRegions) difference.regions.resize(kMostRegions);
  return difference;
}

}  // namespace fastsamd
