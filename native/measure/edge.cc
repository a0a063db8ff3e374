#include "measure/edge.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fastsamd {
namespace {

constexpr double kStep = 0.25;
/// The gradient is the difference over three samples either way.
constexpr int kHalf = 3;
constexpr float kPerPixel = 1 / (2 * kHalf * static_cast<float>(kStep));
/// Once the contour is known roughly, each edge is searched again this many samples around it, so often.
constexpr int kAround = 6;
constexpr int kPasses = 2;
/// The parabola reaches three samples either way.
constexpr int kFit = 3;
/// Noise of the gradient for noise 1 in the pixels: a difference of two bilinear samples, averaged over three
/// neighbours a pixel apart (drawn noise, measured).
constexpr double kGradientNoise = 0.5;
constexpr double kWeak = 4;
/// Share of the gradient's sum that one polarity must have to be the contour's.
constexpr double kOnePolarity = 0.8;
constexpr size_t kMedian = 9;
constexpr double kSigma = 2;
constexpr int kRadius = 5;

struct Edge {
  double offset;
  double gradient;
  bool weak;
  bool off;
  bool found() const { return !weak && !off; }
};

/// Gradients across a contour: row i has 2 * reach + 1 samples at point i, and kFit more on either side.
class Gradients {
 public:
  Gradients(const LumaPatch& luma, const Contour& outline, const Contour& normals, int reach)
      : reach_(reach), stride_(static_cast<size_t>(2 * (reach + kFit) + 1)), values_(outline.size() * stride_) {
    const int ends = reach + kFit + kHalf;
    std::vector<float> profile(static_cast<size_t>(2 * ends + 1));
    std::vector<float> single(values_.size());
    for (size_t i = 0; i < outline.size(); ++i) {
      for (int k = -ends; k <= ends; ++k) {
        profile[static_cast<size_t>(k + ends)] =
            luma.At(outline[i].x + normals[i].x * k * kStep, outline[i].y + normals[i].y * k * kStep);
      }
      float* row = single.data() + i * stride_;
      for (size_t k = 0; k < stride_; ++k) row[k] = (profile[k + 2 * kHalf] - profile[k]) * kPerPixel;
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
    double sum = 0;
    double slope = 0;
    double bend = 0;
    for (int k = -kFit; k <= kFit; ++k) {
      sum += at(best + k);
      slope += k * at(best + k);
      bend += k * k * at(best + k);
    }
    slope /= 28;
    bend = (bend - 4 * sum) / 84;
    const double shift = bend < 0 ? std::clamp(-slope / (2 * bend), -2.0, 2.0) : 0;
    return {(best + shift) * kStep, sign * static_cast<double>(at(best)), at(best) < threshold,
            best == reach_ || best == -reach_};
  }

 private:
  static float Signed(float gradient, int polarity) {
    return polarity == 0 ? std::abs(gradient) : static_cast<float>(polarity) * gradient;
  }

  int reach_;
  size_t stride_;
  std::vector<float> values_;
  std::vector<float> prior_;
};

/// Unit normals, to the left of the contour's direction: outwards where it turns clockwise on screen.
Contour NormalsOf(const Contour& outline) {
  const size_t count = outline.size();
  Contour normals(count);
  for (size_t i = 0; i < count; ++i) {
    const Point& a = outline[i == 0 ? count - 1 : i - 1];
    const Point& b = outline[i + 1 == count ? 0 : i + 1];
    const double length = std::max(1e-9, std::hypot(b.x - a.x, b.y - a.y));
    normals[i] = {(b.y - a.y) / length, -(b.x - a.x) / length};
  }
  return normals;
}

double MedianOf(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Offsets of all points from those that were found: a median of the found ones among kMedian neighbours, of as many
/// more as it takes to have one, 0 where there is none; then smoothed.
std::vector<double> Filter(const std::vector<Edge>& edges) {
  const auto count = static_cast<std::ptrdiff_t>(edges.size());
  const auto at = [&](std::ptrdiff_t i) -> const Edge& {
    return edges[static_cast<size_t>((i % count + count) % count)];
  };
  std::vector<double> medians(edges.size());
  std::vector<double> window;
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    window.clear();
    for (std::ptrdiff_t k = 0; k <= count / 2; ++k) {
      if (k > static_cast<std::ptrdiff_t>(kMedian / 2) && !window.empty()) break;
      if (at(i + k).found()) window.push_back(at(i + k).offset);
      if (k > 0 && at(i - k).found()) window.push_back(at(i - k).offset);
    }
    medians[static_cast<size_t>(i)] = window.empty() ? 0 : MedianOf(window);
  }
  std::vector<double> weights;
  double sum = 0;
  for (int k = -kRadius; k <= kRadius; ++k) {
    weights.push_back(std::exp(-k * k / (2 * kSigma * kSigma)));
    sum += weights.back();
  }
  std::vector<double> smooth(edges.size());
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    double offset = 0;
    for (int k = -kRadius; k <= kRadius; ++k) {
      offset +=
          weights[static_cast<size_t>(k + kRadius)] * medians[static_cast<size_t>(((i + k) % count + count) % count)];
    }
    smooth[static_cast<size_t>(i)] = offset / sum;
  }
  return smooth;
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
  std::vector<double> deviations;
  for (size_t i = 0; i < outline.size(); ++i) {
    const Point& from = outline[i];
    refined.points.push_back({from.x + offsets[i] * normals[i].x, from.y + offsets[i] * normals[i].y});
    if (!edges[i].found()) continue;
    refined.found.push_back({from.x + edges[i].offset * normals[i].x, from.y + edges[i].offset * normals[i].y});
    deviations.push_back(std::abs(edges[i].offset - offsets[i]));
  }
  refined.spread = MedianOf(deviations) / 0.6745;
  return refined;
}

}  // namespace fastsamd
