#include "measure/edge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

#include "measure/median.h"

namespace fastsamd {
namespace {

constexpr double kStep = 0.25;
constexpr auto kFloatStep = static_cast<float>(kStep);
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
constexpr size_t kTurn = 4;
constexpr double kMostCurvature = 0.25;

/// Samples on either side of the search: in a row of gradients, in a row of differences, and along a normal.
constexpr int kAside = kFit + 2 * kBox;
constexpr int kBeyond = kAside + kHalf;
/// Rows end at a multiple of this: loops over them have no remainder.
constexpr size_t kLanes = 4;

constexpr size_t RowOf(int samples) { return (static_cast<size_t>(samples) + kLanes - 1) / kLanes * kLanes; }
size_t GradientRow(int reach) { return RowOf(2 * (reach + kFit) + 1); }
size_t DifferenceRow(int reach) { return RowOf(2 * (reach + kAside) + 1); }
/// Longest: at kMostReach.
constexpr size_t kMostRow = RowOf(2 * (static_cast<int>(kMostReach / kStep) + kBeyond) + 1) + kLanes;
static_assert(kMostRow <= static_cast<size_t>(LumaPatch::kMostAlong));

/// Makes room; never gives it back.
template <typename Value>
void Reserve(std::vector<Value>& values, size_t count) {
  if (values.size() < count) values.resize(count);
}

/// out[k] = sum of in[k] .. in[k + 2 * kBox], over `count` values.
void BoxSums(const float* __restrict in, size_t count, float* __restrict out) {
  static_assert(kBox == 2);
  for (size_t k = 0; k < count; ++k) out[k] = in[k] + in[k + 1] + in[k + 2] + in[k + 3] + in[k + 4];
}

/// Where in first .. last the gradient (of `polarity`, 0 for either) times the prior is greatest; `otherwise` where it
/// is nowhere above -1. `gradients` and `prior` are addressed by sample.
int Strongest(const float* gradients, const float* prior, int first, int last, int polarity, int otherwise) {
  float weighted[kMostRow];
  const int count = last - first + 1;
  const float* g = gradients + first;
  const float* p = prior + first;
  if (polarity == 0) {
    for (int k = 0; k < count; ++k) weighted[k] = std::abs(g[k]) * p[k];
  } else {
    const auto sign = static_cast<float>(polarity);
    for (int k = 0; k < count; ++k) weighted[k] = sign * g[k] * p[k];
  }
  float lanes[kLanes] = {-1, -1, -1, -1};
  int k = 0;
  for (; k + static_cast<int>(kLanes) <= count; k += static_cast<int>(kLanes)) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = std::max(lanes[lane], weighted[static_cast<size_t>(k) + lane]);
    }
  }
  for (; k < count; ++k) lanes[0] = std::max(lanes[0], weighted[k]);
  const float most = std::max(std::max(lanes[0], lanes[1]), std::max(lanes[2], lanes[3]));
  for (k = 0; k < count; ++k) {
    if (weighted[k] == most) return first + k;
  }
  return otherwise;
}

/// Puts the smaller one first.
inline void Order(float& a, float& b) {
  const float least = std::min(a, b);
  b = std::max(a, b);
  a = least;
}

/// out[i] = median of in[i] .. in[i + 8]: an exchange network (Paeth, "Median finding on a 3x3 grid", 1990), which has
/// no branches.
void MediansOfNine(const float* __restrict in, size_t count, float* __restrict out) {
  static_assert(kMedian == 9);
  for (size_t i = 0; i < count; ++i) {
    float a = in[i];
    float b = in[i + 1];
    float c = in[i + 2];
    float d = in[i + 3];
    float e = in[i + 4];
    float f = in[i + 5];
    float g = in[i + 6];
    float h = in[i + 7];
    float j = in[i + 8];
    Order(b, c), Order(e, f), Order(h, j);
    Order(a, b), Order(d, e), Order(g, h);
    Order(b, c), Order(e, f), Order(h, j);
    Order(a, d), Order(f, j), Order(e, h);
    Order(d, g), Order(b, e), Order(c, f);
    Order(e, h), Order(e, c), Order(g, e);
    Order(e, c);
    out[i] = e;
  }
}

/// Weights of a Gaussian of kSigma, their sum 1.
std::array<float, 2 * kRadius + 1> GaussianWeights() {
  std::array<float, 2 * kRadius + 1> weights{};
  double sum = 0;
  for (int k = -kRadius; k <= kRadius; ++k) sum += std::exp(-k * k / (2 * kSigma * kSigma));
  for (int k = -kRadius; k <= kRadius; ++k) {
    weights[static_cast<size_t>(k + kRadius)] = static_cast<float>(std::exp(-k * k / (2 * kSigma * kSigma)) / sum);
  }
  return weights;
}

/// The ring with `margin` neighbours on either side, as one unbroken array. Twice the margin can be more than a small
/// ring has.
template <typename Value>
void Unroll(const Value* ring, size_t count, size_t margin, std::vector<Value>& unrolled) {
  Reserve(unrolled, count + 2 * margin);
  std::copy(ring, ring + count, unrolled.begin() + static_cast<std::ptrdiff_t>(margin));
  for (size_t k = 0; k < margin; ++k) {
    unrolled[margin + count + k] = ring[k % count];
    unrolled[margin - 1 - k] = ring[count - 1 - k % count];
  }
}

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

/// std::lround, without a call.
inline int Rounded(float value) { return static_cast<int>(value + (value < 0 ? -0.5F : 0.5F)); }

}  // namespace

double EdgeFinder::MarginFor(double reach) {
  // The row's remainder, too.
  return (std::ceil(reach / kStep) + kBeyond + static_cast<double>(kLanes)) * kStep;
}

/// Unit normals, to the left of the contour's direction: outwards where it turns clockwise on screen.
void EdgeFinder::TakeNormals(const Contour& outline) {
  Reserve(normal_x_, count_);
  Reserve(normal_y_, count_);
  const auto take = [&](size_t before, size_t i, size_t after) {
    const auto dx = static_cast<float>(outline[after].x - outline[before].x);
    const auto dy = static_cast<float>(outline[after].y - outline[before].y);
    const float length = std::max(1e-9F, std::sqrt(dx * dx + dy * dy));
    normal_x_[i] = dy / length;
    normal_y_[i] = -dx / length;
  };
  take(count_ - 1, 0, 1 % count_);
  for (size_t i = 1; i + 1 < count_; ++i) take(i - 1, i, i + 1);
  take(count_ < 2 ? 0 : count_ - 2, count_ - 1, 0);
}

void EdgeFinder::TakeGradients(const LumaPatch& luma, const Contour& outline, float threshold) {
  const int ends = reach_ + kBeyond;
  const int samples = static_cast<int>(RowOf(2 * ends + 1));
  const size_t row = GradientRow(reach_);
  const size_t wide = DifferenceRow(reach_);
  Reserve(differences_, count_ * wide);
  Reserve(gradients_, count_ * row);
  prior_.clear();
  for (int k = -2 * reach_; k <= 2 * reach_; ++k) {
    const double t = k / (0.6 * reach_);
    prior_.push_back(static_cast<float>(std::exp(-t * t / 2)));
  }

  // What the remainders of rows take from behind a row is never looked at.
  float profile[kMostRow + kLanes] = {};
  float once[kMostRow + kLanes] = {};
  // The newest three rows, which are the neighbours that are averaged.
  float rows[3][kMostRow] = {};
  float* before = rows[0];
  float* at = rows[1];
  float* after = rows[2];
  constexpr float kMean = 1.0F / (3 * (2 * kBox + 1) * (2 * kBox + 1));
  // Round the ring, with the last point first and the first one again at the end.
  for (size_t k = 0; k < count_ + 2; ++k) {
    const size_t i = k == 0 ? count_ - 1 : (k - 1) % count_;
    const double dx = normal_x_[i] * kStep;
    const double dy = normal_y_[i] * kStep;
    luma.Along(outline[i].x - dx * ends, outline[i].y - dy * ends, dx, dy, samples, profile);
    float* __restrict differences = differences_.data() + i * wide;
    for (size_t n = 0; n < wide; ++n) differences[n] = (profile[n + 2 * kHalf] - profile[n]) * kPerPixel;
    std::swap(before, at);
    std::swap(at, after);
    BoxSums(differences, row + kLanes, once);
    BoxSums(once, row, after);
    if (k < 2) continue;
    const size_t middle = k - 2;
    float* __restrict out = gradients_.data() + middle * row;
    const float* __restrict a = before;
    const float* __restrict b = at;
    const float* __restrict c = after;
    for (size_t n = 0; n < row; ++n) out[n] = (a[n] + b[n] + c[n]) * kMean;
    Search(middle, 0, reach_, 0, threshold);
  }
}

void EdgeFinder::Search(size_t i, int center, int window, int polarity, float threshold) {
  const float* middle = gradients_.data() + i * GradientRow(reach_) + reach_ + kFit;
  const float* prior = prior_.data() + 2 * reach_ - center;
  int best =
      Strongest(middle, prior, std::max(-reach_, center - window), std::min(reach_, center + window), polarity, center);
  const float sign = polarity != 0 ? static_cast<float>(polarity) : middle[best] < 0 ? -1.0F : 1.0F;
  const auto at = [&](int k) { return sign * middle[k]; };
  while (best < reach_ && at(best + 1) > at(best)) ++best;
  while (best > -reach_ && at(best - 1) > at(best)) --best;
  const float bend = at(best - 1) - 2 * at(best) + at(best + 1);
  const float shift = bend < 0 ? std::clamp((at(best - 1) - at(best + 1)) / (2 * bend), -1.0F, 1.0F) : 0;
  offsets_[i] = (static_cast<float>(best) + shift) * kFloatStep;
  strengths_[i] = middle[best];
  states_[i] = at(best) < threshold ? State::kWeak : best == reach_ || best == -reach_ ? State::kOff : State::kFound;
}

float EdgeFinder::NearestOffset(size_t i) const {
  for (size_t k = 0; k <= count_ / 2; ++k) {
    const size_t after = (i + k) % count_;
    const size_t before = (i + count_ - k) % count_;
    const bool is_after = states_[after] == State::kFound;
    const bool is_before = states_[before] == State::kFound;
    if (!is_after && !is_before) continue;
    return std::max(offsets_[is_after ? after : before], offsets_[is_before ? before : after]);
  }
  return 0;
}

void EdgeFinder::FilterOffsets() {
  constexpr size_t kAway = kMedian / 2;
  Unroll(offsets_.data(), count_, kAway, around_);
  Reserve(filtered_, count_);
  MediansOfNine(around_.data(), count_, filtered_.data());
  for (size_t lost = 0; lost < count_; ++lost) {
    if (states_[lost] == State::kFound) continue;
    // Medians in which this one has no part.
    for (size_t k = 0; k < std::min(kMedian, count_); ++k) {
      const size_t i = (lost + count_ - kAway % count_ + k) % count_;
      float window[kMedian];
      size_t size = 0;
      for (size_t n = 0; n < kMedian; ++n) {
        const size_t neighbour = (i + 2 * count_ - kAway + n) % count_;
        if (states_[neighbour] == State::kFound) window[size++] = offsets_[neighbour];
      }
      std::sort(window, window + size);
      filtered_[i] = size > 0 ? window[size / 2] : NearestOffset(i);
    }
  }
  static const std::array<float, 2 * kRadius + 1> weights = GaussianWeights();
  Unroll(filtered_.data(), count_, kRadius, around_);
  const float* __restrict in = around_.data();
  float* __restrict out = filtered_.data();
  for (size_t i = 0; i < count_; ++i) {
    float sum = 0;
    for (size_t k = 0; k <= 2 * kRadius; ++k) sum += weights[k] * in[i + k];
    out[i] = sum;
  }
}

float EdgeFinder::Centroid(size_t i) const {
  const int center = Rounded(offsets_[i] / kFloatStep);
  const int ends = reach_ + kAside;
  if (center - kCentroid < -ends || center + kCentroid > ends) return offsets_[i];
  const float* middle = differences_.data() + i * DifferenceRow(reach_) + ends;
  double sum = 0;
  double first = 0;
  for (int k = -kCentroid; k <= kCentroid; ++k) {
    const double value = middle[center + k];
    sum += value;
    first += k * value;
  }
  const double shift = sum * strengths_[i] > 0 ? first / sum : 0;
  return static_cast<float>((center + std::clamp(shift, -2.0, 2.0)) * kStep);
}

double EdgeFinder::Blur() const {
  constexpr int kAcross = static_cast<int>(kBlurReach / kStep);
  const int ends = reach_ + kAside;
  float mean[2 * kAcross + 1] = {};
  for (size_t i = 0; i < count_; ++i) {
    if (states_[i] != State::kFound) continue;
    const int center = Rounded(offsets_[i] / kFloatStep);
    if (center - kAcross < -ends || center + kAcross > ends) continue;
    const float* around = differences_.data() + i * DifferenceRow(reach_) + ends + center - kAcross;
    const float sign = strengths_[i] < 0 ? -1.0F : 1.0F;
    for (size_t k = 0; k < std::size(mean); ++k) mean[k] += sign * around[k];
  }
  double sum = 0;
  double first = 0;
  double second = 0;
  for (int k = -kAcross; k <= kAcross; ++k) {
    const double weight = std::max(0.0F, mean[k + kAcross]);
    sum += weight;
    first += weight * k * kStep;
    second += weight * k * k * kStep * kStep;
  }
  if (sum <= 0) return 0;
  first /= sum;
  return std::max(0.0, second / sum - first * first - kDifference);
}

void EdgeFinder::SmoothBends(Contour& contour) {
  constexpr size_t kMostRadius = 8;
  static_assert(kMostRadius >= 3 * kBendSigma);
  const size_t radius = std::min(kMostRadius, contour.size() / 4);
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
  Reserve(around_x_, count_ + 2 * radius);
  Reserve(around_y_, count_ + 2 * radius);
  double* __restrict x = around_x_.data();
  double* __restrict y = around_y_.data();
  for (size_t i = 0; i < count_; ++i) {
    x[radius + i] = contour[i].x;
    y[radius + i] = contour[i].y;
  }
  for (size_t k = 0; k < radius; ++k) {
    x[radius + count_ + k] = contour[k].x;
    y[radius + count_ + k] = contour[k].y;
    x[k] = contour[count_ - radius + k].x;
    y[k] = contour[count_ - radius + k].y;
  }
  // The kernel is even: neighbours at the same distance are added first.
  Point* __restrict out = contour.data();
  for (size_t i = 0; i < count_; ++i) {
    double sum_x = weights[radius] * x[i + radius];
    double sum_y = weights[radius] * y[i + radius];
    for (size_t k = 0; k < radius; ++k) {
      sum_x += weights[k] * (x[i + k] + x[i + 2 * radius - k]);
      sum_y += weights[k] * (y[i + k] + y[i + 2 * radius - k]);
    }
    out[i] = {sum_x, sum_y};
  }
}

void EdgeFinder::TakeCurvatures(const Contour& contour) {
  Reserve(curvatures_, count_);
  const auto turn = std::min(kTurn, count_ / 4);
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
  for (size_t i = 0; i < turn; ++i) take(i + count_ - turn, i, i + turn);
  for (size_t i = turn; i + turn < count_; ++i) take(i - turn, i, i + turn);
  for (size_t i = count_ - turn; i < count_; ++i) take(i - turn, i, i + turn - count_);
}

RefinedContour EdgeFinder::Find(const LumaPatch& luma, double noise, const Contour& outline, double reach) {
  count_ = outline.size();
  reach_ = static_cast<int>(std::ceil(std::clamp(reach, kLeastReach, kMostReach) / kStep));
  Reserve(offsets_, count_);
  Reserve(strengths_, count_);
  Reserve(states_, count_);
  const auto threshold = static_cast<float>(kWeak * kGradientNoise * noise);
  TakeNormals(outline);
  TakeGradients(luma, outline, threshold);
  double signed_sum = 0;
  double sum = 0;
  for (size_t i = 0; i < count_; ++i) {
    signed_sum += strengths_[i];
    sum += std::abs(strengths_[i]);
  }
  const int polarity = std::abs(signed_sum) < kOnePolarity * sum ? 0 : signed_sum < 0 ? -1 : 1;
  for (size_t i = 0; i < count_; ++i) {
    if (strengths_[i] * static_cast<float>(polarity) < 0) Search(i, 0, reach_, polarity, threshold);
  }
  FilterOffsets();
  // No center: more than any.
  centers_.assign(count_, 2 * reach_);
  for (int pass = 0; pass < kPasses; ++pass) {
    for (size_t i = 0; i < count_; ++i) {
      const int center = std::clamp(Rounded(filtered_[i] / kFloatStep), -reach_, reach_);
      if (center == centers_[i]) continue;
      centers_[i] = center;
      Search(i, center, kAround, polarity, threshold);
    }
    FilterOffsets();
  }

  RefinedContour refined;
  size_t weak = 0;
  size_t off = 0;
  for (size_t i = 0; i < count_; ++i) {
    weak += states_[i] == State::kWeak ? 1 : 0;
    off += states_[i] == State::kOff ? 1 : 0;
  }
  refined.weak = static_cast<double>(weak) / static_cast<double>(count_);
  refined.off = static_cast<double>(off) / static_cast<double>(count_);
  if (!refined.accepted()) return refined;
  const double blur = Blur();
  if (blur < kSharp) {
    for (size_t i = 0; i < count_; ++i) {
      if (states_[i] == State::kFound) offsets_[i] = Centroid(i);
    }
    FilterOffsets();
  }
  RoughMedian deviation;
  for (size_t i = 0; i < count_; ++i) {
    if (states_[i] == State::kFound) deviation.Add(std::abs(offsets_[i] - filtered_[i]));
  }
  refined.spread = deviation.Value() / kMedianOfNormal;
  // The outline's steps are those of the mask's pixels, and the offsets undo them: places are smoothed, not offsets.
  const double most = kOutlier * std::max(refined.spread, kStep);
  refined.points.resize(count_);
  for (size_t i = 0; i < count_; ++i) {
    const bool good = states_[i] == State::kFound && std::abs(offsets_[i] - filtered_[i]) <= most;
    const double offset = good ? offsets_[i] : filtered_[i];
    refined.points[i] = {outline[i].x + offset * normal_x_[i], outline[i].y + offset * normal_y_[i]};
  }
  SmoothBends(refined.points);
  // Blur of variance v moves the steepest place of an edge of curvature k by k v / 2 towards the centre of the bend.
  TakeCurvatures(refined.points);
  refined.found.reserve(count_);
  for (size_t i = 0; i < count_; ++i) {
    const double back = curvatures_[i] * blur / 2;
    refined.points[i].x += back * normal_x_[i];
    refined.points[i].y += back * normal_y_[i];
    if (states_[i] != State::kFound) continue;
    const double offset = offsets_[i] + back;
    refined.found.push_back({outline[i].x + offset * normal_x_[i], outline[i].y + offset * normal_y_[i]});
  }
  return refined;
}

}  // namespace fastsamd
