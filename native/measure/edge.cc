#include "measure/edge.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fastsamd {
namespace {

constexpr double kStep = 0.25;
/// The gradient is the difference over three samples either way, averaged twice over five samples. A narrower filter
/// sees the pixel grid: on an edge along the grid it is off by up to 0.1 px, the same way at every point.
constexpr int kHalf = 3;
constexpr int kBox = 2;
constexpr float kPerPixel = 1 / (2 * kHalf * static_cast<float>(kStep));
/// Variance that the difference adds to an edge's blur, in square pixels.
constexpr double kDifference = 4.0 * kHalf * kHalf * kStep * kStep / 12;
/// Once the contour is known roughly, each edge is searched again this many samples around it, so often.
constexpr int kAround = 6;
constexpr int kPasses = 2;
/// Samples beyond the search that the parabola needs.
constexpr int kFit = 1;
/// Noise of the gradient for noise 1 in the pixels, after all averaging (drawn noise, measured).
constexpr double kGradientNoise = 0.35;
constexpr double kWeak = 4;
/// Share of the gradient's sum that one polarity must have to be the contour's.
constexpr double kOnePolarity = 0.8;
constexpr size_t kMedian = 9;
constexpr double kSigma = 2;
constexpr int kRadius = 5;
/// Below this variance of the blur (square pixels, of which the pixels and the interpolation are 0.25) the mean
/// gradient is skewed, by up to 0.1 px, depending on where in a pixel the edge lies: there its centroid is the edge.
constexpr double kSharp = 0.375;
constexpr int kCentroid = 8;
/// The blur is taken from the mean gradient within this many pixels of the edge.
constexpr double kBlurReach = 3;
/// Median of the magnitude of a normal distribution, in standard deviations.
constexpr double kMedianOfNormal = 0.6745;
/// An edge this many standard deviations from its neighbours is an outlier.
constexpr double kOutlier = 3;
/// Points over which the contour is smoothed.
constexpr double kBendSigma = 2.5;
/// The curvature at a point is the turn over this many points either way; a corner counts as a bend of radius 4.
constexpr std::ptrdiff_t kTurn = 4;
constexpr double kMostCurvature = 0.25;

struct Edge {
  double offset;
  double gradient;
  bool weak;
  bool off;
  bool found() const { return !weak && !off; }
};

/// Averages over 2 * kBox + 1 values: `out` is 2 * kBox shorter than `in`.
void Average(const float* in, size_t count, float* out) {
  for (size_t k = 0; k < count; ++k) {
    float sum = 0;
    for (size_t i = 0; i <= 2 * kBox; ++i) sum += in[k + i];
    out[k] = sum * (1.0F / (2 * kBox + 1));
  }
}

/// Gradients across a contour: row i has 2 * reach + 1 samples at point i, and kFit more on either side.
class Gradients {
 public:
  Gradients(const LumaPatch& luma, const Contour& outline, const Contour& normals, int reach)
      : reach_(reach),
        stride_(static_cast<size_t>(2 * (reach + kFit) + 1)),
        values_(outline.size() * stride_),
        differences_(outline.size() * (stride_ + 4 * kBox)) {
    const int ends = reach + kFit + 2 * kBox + kHalf;
    std::vector<float> profile(static_cast<size_t>(2 * ends + 1));
    std::vector<float> single(values_.size());
    std::vector<float> once(stride_ + 2 * kBox);
    for (size_t i = 0; i < outline.size(); ++i) {
      const double dx = normals[i].x * kStep;
      const double dy = normals[i].y * kStep;
      luma.Along(outline[i].x - dx * ends, outline[i].y - dy * ends, dx, dy, 2 * ends + 1, profile.data());
      float* row = differences_.data() + i * (stride_ + 4 * kBox);
      for (size_t k = 0; k < stride_ + 4 * kBox; ++k) row[k] = (profile[k + 2 * kHalf] - profile[k]) * kPerPixel;
      Average(row, once.size(), once.data());
      Average(once.data(), stride_, single.data() + i * stride_);
    }
    const size_t count = outline.size();
    for (size_t i = 0; i < count; ++i) {
      const float* before = single.data() + (i == 0 ? count - 1 : i - 1) * stride_;
      const float* at = single.data() + i * stride_;
      const float* after = single.data() + (i + 1 == count ? 0 : i + 1) * stride_;
      float* out = values_.data() + i * stride_;
      for (size_t k = 0; k < stride_; ++k) out[k] = (before[k] + at[k] + after[k]) * (1.0F / 3);
    }
    for (int k = 0; k <= 2 * reach; ++k) {
      const double t = k / (0.6 * reach);
      prior_.push_back(static_cast<float>(std::exp(-t * t / 2)));
    }
  }

  /// The edge at point i within `window` samples of `center`, which is the most likely place. `polarity`: 1 for
  /// brighter outside, -1 for brighter inside, 0 for either.
  Edge Find(size_t i, int center, int window, int polarity, double threshold) const {
    const float* middle = values_.data() + i * stride_ + reach_ + kFit;
    int best = center;
    float most = -1;
    const int last = std::min(reach_, center + window);
    for (int k = std::max(-reach_, center - window); k <= last; ++k) {
      const float value = Signed(middle[k], polarity) * prior_[static_cast<size_t>(std::abs(k - center))];
      if (value <= most) continue;
      most = value;
      best = k;
    }
    const int sign = polarity != 0 ? polarity : middle[best] < 0 ? -1 : 1;
    const auto at = [&](int k) { return static_cast<float>(sign) * middle[k]; };
    while (best < reach_ && at(best + 1) > at(best)) ++best;
    while (best > -reach_ && at(best - 1) > at(best)) --best;
    const double bend = at(best - 1) - 2 * at(best) + at(best + 1);
    const double shift = bend < 0 ? std::clamp((at(best - 1) - at(best + 1)) / (2 * bend), -1.0, 1.0) : 0;
    return {(best + shift) * kStep, sign * static_cast<double>(at(best)), at(best) < threshold,
            best == reach_ || best == -reach_};
  }

  /// The centroid of the gradient around an edge that was found. It is more sensitive to noise than the maximum.
  double Centroid(size_t i, const Edge& edge) const {
    const int center = static_cast<int>(std::lround(edge.offset / kStep));
    const int ends = reach_ + kFit + 2 * kBox;
    if (center - kCentroid < -ends || center + kCentroid > ends) return edge.offset;
    const float* middle = differences_.data() + i * (stride_ + 4 * kBox) + ends;
    double sum = 0;
    double first = 0;
    for (int k = -kCentroid; k <= kCentroid; ++k) {
      const double value = middle[center + k];
      sum += value;
      first += k * value;
    }
    const double shift = sum * edge.gradient > 0 ? first / sum : 0;
    return (center + std::clamp(shift, -2.0, 2.0)) * kStep;
  }

  /// Variance of the edges' blur in square pixels, that of the pixels themselves included: from the mean gradient
  /// around the edges that were found.
  double Blur(const std::vector<Edge>& edges) const {
    const int half = static_cast<int>(std::lround(kBlurReach / kStep));
    std::vector<double> mean(static_cast<size_t>(2 * half + 1));
    for (size_t i = 0; i < edges.size(); ++i) {
      if (!edges[i].found()) continue;
      const int center = static_cast<int>(std::lround(edges[i].offset / kStep));
      const int ends = reach_ + kFit + 2 * kBox;
      if (center - half < -ends || center + half > ends) continue;
      const float* middle = differences_.data() + i * (stride_ + 4 * kBox) + ends;
      const double sign = edges[i].gradient < 0 ? -1 : 1;
      for (int k = -half; k <= half; ++k) mean[static_cast<size_t>(k + half)] += sign * middle[center + k];
    }
    double sum = 0;
    double first = 0;
    double second = 0;
    for (int k = -half; k <= half; ++k) {
      const double weight = std::max(0.0, mean[static_cast<size_t>(k + half)]);
      sum += weight;
      first += weight * k * kStep;
      second += weight * k * k * kStep * kStep;
    }
    if (sum <= 0) return 0;
    first /= sum;
    return std::max(0.0, second / sum - first * first - kDifference);
  }

 private:
  static float Signed(float gradient, int polarity) {
    return polarity == 0 ? std::abs(gradient) : static_cast<float>(polarity) * gradient;
  }

  int reach_;
  size_t stride_;
  std::vector<float> values_;
  /// Before averaging; 2 * kBox samples more on either side.
  std::vector<float> differences_;
  std::vector<float> prior_;
};

/// Unit normals, to the left of the contour's direction: outwards where it turns clockwise on screen.
Contour NormalsOf(const Contour& outline) {
  const size_t count = outline.size();
  Contour normals(count);
  for (size_t i = 0; i < count; ++i) {
    const Point& a = outline[i == 0 ? count - 1 : i - 1];
    const Point& b = outline[i + 1 == count ? 0 : i + 1];
    const double length = std::max(1e-9, Norm(b.x - a.x, b.y - a.y));
    normals[i] = {(b.y - a.y) / length, -(b.x - a.x) / length};
  }
  return normals;
}

double MedianOf(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The ring with `margin` neighbours on either side, as one unbroken array.
template <typename Value>
std::vector<Value> Unrolled(const std::vector<Value>& ring, size_t margin) {
  const size_t count = ring.size();
  std::vector<Value> unrolled(count + 2 * margin);
  // Twice the margin can be more than a small ring has.
  size_t from = (count - margin % count) % count;
  for (Value& value : unrolled) {
    value = ring[from];
    from = from + 1 == count ? 0 : from + 1;
  }
  return unrolled;
}

/// The offset at point i: the nearest that were found, on either side.
double NearestOffset(const std::vector<Edge>& edges, size_t i) {
  const size_t count = edges.size();
  for (size_t k = 0; k <= count / 2; ++k) {
    const Edge& after = edges[(i + k) % count];
    const Edge& before = edges[(i + count - k) % count];
    if (!after.found() && !before.found()) continue;
    return std::max(after.found() ? after.offset : before.offset, before.found() ? before.offset : after.offset);
  }
  return 0;
}

/// Offsets of all points from those that were found: a median of the found ones among kMedian neighbours, the nearest
/// where none of these was found, 0 where there is none at all; then smoothed.
std::vector<double> Filter(const std::vector<Edge>& edges) {
  std::vector<double> medians(edges.size());
  const std::vector<Edge> neighbours = Unrolled(edges, kMedian / 2);
  for (size_t i = 0; i < edges.size(); ++i) {
    // Sorted as they come: nine are few.
    double window[kMedian];
    size_t size = 0;
    for (size_t k = i; k < i + kMedian; ++k) {
      if (!neighbours[k].found()) continue;
      const double offset = neighbours[k].offset;
      size_t place = size++;
      for (; place > 0 && window[place - 1] > offset; --place) window[place] = window[place - 1];
      window[place] = offset;
    }
    medians[i] = size > 0 ? window[size / 2] : NearestOffset(edges, i);
  }
  std::vector<double> weights;
  double sum = 0;
  for (int k = -kRadius; k <= kRadius; ++k) {
    weights.push_back(std::exp(-k * k / (2 * kSigma * kSigma)));
    sum += weights.back();
  }
  const std::vector<double> around = Unrolled(medians, kRadius);
  std::vector<double> smooth(edges.size());
  for (size_t i = 0; i < edges.size(); ++i) {
    double offset = 0;
    for (size_t k = 0; k < weights.size(); ++k) offset += weights[k] * around[i + k];
    smooth[i] = offset / sum;
  }
  return smooth;
}

/// A contour of points about 1 px apart, smoothed by the Gaussian kernel of fourth order: it keeps bends as they are,
/// where the plain Gaussian pulls every point towards the centre of its bend.
Contour SmoothBends(const Contour& contour) {
  const int radius =
      static_cast<int>(std::min<size_t>(static_cast<size_t>(std::ceil(3 * kBendSigma)), contour.size() / 4));
  double moments[3] = {};
  std::vector<double> weights;
  for (int k = -radius; k <= radius; ++k) {
    const double square = k * k / (kBendSigma * kBendSigma);
    weights.push_back(std::exp(-square / 2));
    moments[0] += weights.back();
    moments[1] += weights.back() * square;
    moments[2] += weights.back() * square * square;
  }
  const double ratio = moments[2] > 0 ? moments[1] / moments[2] : 0;
  const double sum = moments[0] - ratio * moments[1];
  for (int k = -radius; k <= radius; ++k) {
    weights[static_cast<size_t>(k + radius)] *= (1 - ratio * k * k / (kBendSigma * kBendSigma)) / sum;
  }
  const Contour around = Unrolled(contour, static_cast<size_t>(radius));
  Contour smooth(contour.size());
  for (size_t i = 0; i < contour.size(); ++i) {
    Point point{0, 0};
    for (size_t k = 0; k < weights.size(); ++k) {
      point.x += weights[k] * around[i + k].x;
      point.y += weights[k] * around[i + k].y;
    }
    smooth[i] = point;
  }
  return smooth;
}

/// Curvature of a contour of points about 1 px apart, 1 / px; positive where it turns clockwise on screen.
std::vector<double> CurvatureOf(const Contour& contour) {
  const auto count = static_cast<std::ptrdiff_t>(contour.size());
  const auto at = [&](std::ptrdiff_t i) -> const Point& { return contour[static_cast<size_t>((i + count) % count)]; };
  const std::ptrdiff_t turn = std::min(kTurn, count / 4);
  std::vector<double> curvature(contour.size());
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const Point& a = at(i - turn);
    const Point& b = at(i);
    const Point& c = at(i + turn);
    const double angle = std::atan2((b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x),
                                    (b.x - a.x) * (c.x - b.x) + (b.y - a.y) * (c.y - b.y));
    const double length = (Norm(b.x - a.x, b.y - a.y) + Norm(c.x - b.x, c.y - b.y)) / 2;
    curvature[static_cast<size_t>(i)] = std::clamp(angle / std::max(length, 1e-9), -kMostCurvature, kMostCurvature);
  }
  return curvature;
}

}  // namespace

RefinedContour RefineContour(const LumaPatch& luma, double noise, const Contour& outline, double reach) {
  const Contour normals = NormalsOf(outline);
  const Gradients gradients(luma, outline, normals, static_cast<int>(std::ceil(reach / kStep)));
  const double threshold = kWeak * kGradientNoise * noise;
  std::vector<Edge> edges;
  edges.reserve(outline.size());
  const int whole = static_cast<int>(std::ceil(reach / kStep));
  double signed_sum = 0;
  double sum = 0;
  for (size_t i = 0; i < outline.size(); ++i) {
    edges.push_back(gradients.Find(i, 0, whole, 0, threshold));
    signed_sum += edges.back().gradient;
    sum += std::abs(edges.back().gradient);
  }
  const int polarity = std::abs(signed_sum) < kOnePolarity * sum ? 0 : signed_sum < 0 ? -1 : 1;
  for (size_t i = 0; i < outline.size(); ++i) {
    if (edges[i].gradient * polarity < 0) edges[i] = gradients.Find(i, 0, whole, polarity, threshold);
  }
  std::vector<double> offsets = Filter(edges);
  for (int pass = 0; pass < kPasses; ++pass) {
    for (size_t i = 0; i < outline.size(); ++i) {
      const int center = std::clamp(static_cast<int>(std::lround(offsets[i] / kStep)), -whole, whole);
      edges[i] = gradients.Find(i, center, kAround, polarity, threshold);
    }
    offsets = Filter(edges);
  }

  RefinedContour refined;
  const auto count = static_cast<double>(outline.size());
  refined.weak =
      static_cast<double>(std::count_if(edges.begin(), edges.end(), [](const Edge& e) { return e.weak; })) / count;
  refined.off =
      static_cast<double>(std::count_if(edges.begin(), edges.end(), [](const Edge& e) { return e.off && !e.weak; })) /
      count;
  if (!refined.accepted()) return refined;
  const double blur = gradients.Blur(edges);
  if (blur < kSharp) {
    for (size_t i = 0; i < outline.size(); ++i) {
      if (edges[i].found()) edges[i].offset = gradients.Centroid(i, edges[i]);
    }
    offsets = Filter(edges);
  }
  std::vector<double> deviations;
  for (size_t i = 0; i < outline.size(); ++i) {
    if (edges[i].found()) deviations.push_back(std::abs(edges[i].offset - offsets[i]));
  }
  refined.spread = MedianOf(deviations) / kMedianOfNormal;
  // The outline's steps are those of the mask's pixels, and the offsets undo them: places are smoothed, not offsets.
  const double most = kOutlier * std::max(refined.spread, kStep);
  for (size_t i = 0; i < outline.size(); ++i) {
    const bool good = edges[i].found() && std::abs(edges[i].offset - offsets[i]) <= most;
    const double offset = good ? edges[i].offset : offsets[i];
    refined.points.push_back({outline[i].x + offset * normals[i].x, outline[i].y + offset * normals[i].y});
  }
  refined.points = SmoothBends(refined.points);
  // Blur of variance v moves the steepest place of an edge of curvature k by k v / 2 towards the centre of the bend.
  const std::vector<double> curvature = CurvatureOf(refined.points);
  for (size_t i = 0; i < outline.size(); ++i) {
    const double back = curvature[i] * blur / 2;
    refined.points[i].x += back * normals[i].x;
    refined.points[i].y += back * normals[i].y;
    if (!edges[i].found()) continue;
    const double offset = edges[i].offset + back;
    refined.found.push_back({outline[i].x + offset * normals[i].x, outline[i].y + offset * normals[i].y});
  }
  return refined;
}

}  // namespace fastsamd
