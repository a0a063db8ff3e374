#include "measure/edge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "measure/edge_profile.h"
#include "measure/lanes.h"
#include "measure/median.h"
#include "measure/ring.h"
#include "measure/room.h"

namespace fastsamd {
namespace {

constexpr double kStep = kEdgeStep;
constexpr auto kFloatStep = static_cast<float>(kStep);
/// The gradient is the difference of the samples either way, averaged twice over three samples (Differentiate). A
/// narrower filter sees the pixel grid.
constexpr int kDifferenceAside = 3;
constexpr float kPerPixel = 1 / (2 * kFloatStep);
/// Samples beyond the search that the parabola needs.
constexpr int kFit = 1;
/// Noise of the gradient for noise 1 in the pixels, after all averaging (drawn noise, measured).
constexpr double kGradientNoise = 0.35;
constexpr double kWeak = 4;
/// Share of the gradient's sum that one polarity must have to be the contour's.
constexpr double kOnePolarity = 0.8;
/// Farther than this from the contour, in pixels, a matched edge is no edge of it.
constexpr float kMostShift = 1;
constexpr size_t kContrastAway = 4;
/// Share of the contrast of the edges that were found, above which a weak one is found, too.
constexpr float kClear = 0.5F;
/// One side of an edge is cut off by the end of the scale where it is this many times the noise from that.
constexpr float kCutNoise = 2;
/// The place of such an edge.
constexpr float kCut = std::numeric_limits<float>::max();
/// Median of the magnitude of a normal distribution, in standard deviations.
constexpr double kMedianOfNormal = 0.6745;
/// An edge this many standard deviations from its neighbours is an outlier.
constexpr double kOutlier = 3;
constexpr double kLeastOutlier = 0.25;
/// Samples of a profile beyond the search, and those of them that gradients need.
constexpr int kBeyond = EdgeFilter::kMostTaps;
constexpr int kAside = kFit + kDifferenceAside;
static_assert(kBeyond >= kMeanTaps && kBeyond >= kAside);

/// Rows end at a multiple of the lanes: loops over them have no remainder.
constexpr size_t RowOf(int samples) { return (static_cast<size_t>(samples) + kLanes - 1) / kLanes * kLanes; }
size_t GradientRow(int reach) { return RowOf(2 * (reach + kFit) + 1); }
/// What the search needs of a profile: most matches need no more.
int SearchSamples(int reach) { return static_cast<int>(RowOf(2 * (reach + kAside) + 1)); }
/// Where in a profile that begins; what rounding adds goes to both ends.
int SearchBegin(int reach) { return kBeyond - kAside - (SearchSamples(reach) - 2 * (reach + kAside) - 1) / 2; }
/// Samples that are taken at either end where a match needs them.
constexpr int kEndSamples = 8;
static_assert(kEndSamples >= kBeyond - kAside && kEndSamples % kLanes == 0);
/// A match takes one sample from behind its last one, with weight 0, and fills its lanes.
size_t ProfileRow(int reach) { return RowOf(2 * (reach + kBeyond) + 1) + kLanes; }
/// Longest rows: at kMostReach.
constexpr int kMostSamples = static_cast<int>(kMostReach / kStep);
constexpr size_t kMostGradients = RowOf(2 * (kMostSamples + kFit) + 1);
static_assert(RowOf(2 * (kMostSamples + kAside) + 1) <= LumaPatch::kMostAlong);

/// out[k] = in[k + 6] - in[k] + 2 (in[k + 5] - in[k + 1]) + 2 (in[k + 4] - in[k + 2]): the difference of the samples
/// either way, summed twice over three.
void Differentiate(const float* in, size_t count, float* out) {
  for (size_t k = 0; k < count; k += kLanes) {
    const Lanes far = Load(in + k + 6) - Load(in + k);
    const Lanes near = (Load(in + k + 5) - Load(in + k + 1)) + (Load(in + k + 4) - Load(in + k + 2));
    Store(far + (near + near), out + k);
  }
}

/// Place of the greatest gradient (of `polarity`, 0 for either) times the prior among `count`; `otherwise` where none
/// is above 0. Of products that are as good as equal (to 2^-17) the first. Without branches, which nothing foretells.
int Strongest(const float* gradients, const float* prior, size_t count, int polarity, int otherwise) {
  // Positive floats are in order as integers, too: the last bits of each are made to say where it is.
  constexpr int32_t kPlaceBits = 63;
  static_assert(kMostGradients <= kPlaceBits);
  const IntLanes magnitude = IntLanes{} + (polarity == 0 ? 0x7fffffff : -1);
  const auto sign = static_cast<float>(polarity < 0 ? -1 : 1);
  Lanes most{};
  IntLanes from_end = IntLanes{kPlaceBits, kPlaceBits - 1, kPlaceBits - 2, kPlaceBits - 3};
  for (size_t k = 0; k < count; k += kLanes, from_end -= static_cast<int32_t>(kLanes)) {
    const Lanes product = sign * Load(gradients + k) * Load(prior + k);
    const Lanes marked = AsLanes(((AsInts(product) & magnitude) & ~kPlaceBits) | from_end);
    most = marked > most ? marked : most;
  }
  const Lanes pairs = {most[2], most[3], most[2], most[3]};
  const IntLanes both = AsInts(pairs > most ? pairs : most);
  const int32_t bits = std::max(both[0], both[1]);
  return bits > kPlaceBits ? kPlaceBits - (bits & kPlaceBits) : otherwise;
}

/// std::lround, without a call.
inline int Rounded(float value) { return static_cast<int>(value + (value < 0 ? -0.5F : 0.5F)); }

}  // namespace

double EdgeFinder::MarginFor(double reach) { return (std::ceil(reach / kStep) + kBeyond) * kStep; }

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

void EdgeFinder::Sample(LumaPatch& luma, const Contour& outline, size_t i, int first, int count) {
  const double dx = normal_x_[i] * kStep;
  const double dy = normal_y_[i] * kStep;
  const int from_middle = first - (reach_ + kBeyond);
  luma.Along(outline[i].x + dx * from_middle, outline[i].y + dy * from_middle, dx, dy, count,
             profiles_.data() + i * ProfileRow(reach_) + first);
}

const float* EdgeFinder::Profile(LumaPatch& luma, const Contour& outline, size_t i, int first, int last) {
  const int end = SearchBegin(reach_) + SearchSamples(reach_);
  if (first < SearchBegin(reach_) && !has_begin_[i]) {
    Sample(luma, outline, i, 0, kEndSamples);
    has_begin_[i] = 1;
  }
  if (last >= end && !has_end_[i]) {
    Sample(luma, outline, i, end, kEndSamples);
    has_end_[i] = 1;
  }
  return profiles_.data() + i * ProfileRow(reach_) + first;
}

void EdgeFinder::TakeGradients(LumaPatch& luma, const Contour& outline, float threshold) {
  const size_t row = GradientRow(reach_);
  const size_t wide = ProfileRow(reach_);
  Reserve(profiles_, count_ * wide);
  Reserve(gradients_, count_ * row);
  Reserve(places_, count_);
  has_begin_.assign(count_, 0);
  has_end_.assign(count_, 0);
  prior_.assign(row, 0);
  for (int k = -reach_; k <= reach_; ++k) {
    const double t = k / (0.6 * reach_);
    prior_[static_cast<size_t>(k + reach_ + kFit)] = static_cast<float>(std::exp(-t * t / 2));
  }

  // The newest three rows, which are the neighbours that are averaged.
  float rows[3][kMostGradients] = {};
  float* before = rows[0];
  float* at = rows[1];
  float* after = rows[2];
  constexpr float kMean = kPerPixel / (3 * 3 * 3);
  // Round the ring, with the last point first and the first one again at the end.
  for (size_t k = 0; k < count_ + 2; ++k) {
    const size_t i = k == 0 ? count_ - 1 : (k - 1) % count_;
    Sample(luma, outline, i, SearchBegin(reach_), SearchSamples(reach_));
    std::swap(before, at);
    std::swap(at, after);
    Differentiate(profiles_.data() + i * wide + kBeyond - kAside, row, after);
    if (k < 2) continue;
    const size_t middle = k - 2;
    float* out = gradients_.data() + middle * row;
    for (size_t n = 0; n < row; n += kLanes) {
      Store((Load(before + n) + Load(at + n) + Load(after + n)) * kMean, out + n);
    }
    places_[middle] = Strongest(out, prior_.data(), row, 0, reach_ + kFit);
  }
  for (size_t i = 0; i < count_; i += kLanes) SearchAtOnce(i, threshold);
}

void EdgeFinder::SearchAtOnce(size_t first, float threshold) {
  const size_t row = GradientRow(reach_);
  const int middle = reach_ + kFit;
  const int last = middle + reach_;
  const float* rows[kLanes];
  IntLanes places;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const size_t i = std::min(first + lane, count_ - 1);
    rows[lane] = gradients_.data() + i * row;
    places[lane] = places_[i];
  }
  const auto gradients = [&](int from_place) {
    return Lanes{rows[0][places[0] + from_place], rows[1][places[1] + from_place], rows[2][places[2] + from_place],
                 rows[3][places[3] + from_place]};
  };
  Lanes at = gradients(0);
  const Lanes sign = at < 0 ? Lanes{} - 1 : Lanes{} + 1;
  // As Search does, whose comparisons are 1 where these are -1.
  at *= sign;
  places += (sign * gradients(-1) > at) - (sign * gradients(1) > at);
  places = places < kFit ? IntLanes{} + kFit : places;
  places = places > last ? IntLanes{} + last : places;
  const Lanes strengths = gradients(0);
  at = sign * strengths;
  const Lanes before = sign * gradients(-1);
  const Lanes after = sign * gradients(1);
  const IntLanes goes_on = ((after > at) & (places < last)) | ((before > at) & (places > kFit));
  const Lanes bend = before - 2 * at + after;
  Lanes shift = (before - after) / (2 * bend);
  shift = shift < -1 ? Lanes{} - 1 : shift;
  shift = shift > 1 ? Lanes{} + 1 : shift;
  shift = bend < 0 ? shift : Lanes{};
  Store((__builtin_convertvector(places - middle, Lanes) + shift) * kFloatStep, offsets_.data() + first);
  Store(strengths, strengths_.data() + first);
  for (size_t lane = 0; lane < std::min(kLanes, count_ - first); ++lane) {
    const bool is_last = places[lane] == kFit || places[lane] == last;
    states_[first + lane] = at[lane] < threshold ? State::kWeak : is_last ? State::kOff : State::kFound;
    if (goes_on[lane] != 0) Search(first + lane, 0, threshold);
  }
}

void EdgeFinder::Search(size_t i, int polarity, float threshold) {
  const size_t row = GradientRow(reach_);
  const float* gradients = gradients_.data() + i * row;
  const int middle = reach_ + kFit;
  int best = Strongest(gradients, prior_.data(), row, polarity, middle);
  const float sign = polarity != 0 ? static_cast<float>(polarity) : gradients[best] < 0 ? -1.0F : 1.0F;
  const auto at = [&](int k) { return sign * gradients[k]; };
  // A step either way is usual, and nothing foretells which.
  const int step = static_cast<int>(at(best + 1) > at(best)) - static_cast<int>(at(best - 1) > at(best));
  best = std::clamp(best + step, kFit, middle + reach_);
  while (best < middle + reach_ && at(best + 1) > at(best)) ++best;
  while (best > kFit && at(best - 1) > at(best)) --best;
  const float bend = at(best - 1) - 2 * at(best) + at(best + 1);
  const float shift = bend < 0 ? std::clamp((at(best - 1) - at(best + 1)) / (2 * bend), -1.0F, 1.0F) : 0;
  offsets_[i] = (static_cast<float>(best - middle) + shift) * kFloatStep;
  strengths_[i] = gradients[best];
  const bool is_last = best == kFit || best == middle + reach_;
  states_[i] = at(best) < threshold ? State::kWeak : is_last ? State::kOff : State::kFound;
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
  constexpr size_t kAway = kMedianOf / 2;
  Unroll(offsets_.data(), count_, kAway, around_);
  Reserve(filtered_, count_);
  MediansOfNine(around_.data(), count_, filtered_.data());
  // Medians in which points that were not found had a part: each once, however many these are.
  size_t reached = 0;
  for (size_t lost = 0; lost < count_; ++lost) {
    if (states_[lost] == State::kFound) continue;
    for (size_t k = std::max(lost, reached); k < lost + std::min(kMedianOf, count_); ++k) {
      reached = k + 1;
      const size_t i = (k + count_ - kAway % count_) % count_;
      float window[kMedianOf];
      size_t size = 0;
      for (size_t n = 0; n < kMedianOf; ++n) {
        const size_t neighbour = (i + 2 * count_ - kAway + n) % count_;
        if (states_[neighbour] == State::kFound) window[size++] = offsets_[neighbour];
      }
      std::sort(window, window + size);
      filtered_[i] = size > 0 ? window[size / 2] : NearestOffset(i);
    }
  }
  Unroll(filtered_.data(), count_, kGaussianAway, around_);
  GaussianMeans(around_.data(), count_, filtered_.data());
}

MeanProfile EdgeFinder::Mean(LumaPatch& luma, const Contour& outline) {
  MeanProfile mean{};
  for (size_t i = 0; i < count_; ++i) {
    if (states_[i] != State::kFound) continue;
    // Never beyond the row: the edge is within the search.
    const int middle = Rounded(filtered_[i] / kFloatStep) + reach_ + kBeyond;
    const float* profile = Profile(luma, outline, i, middle - kMeanTaps, middle + kMeanTaps);
    const float sign = strengths_[i] < 0 ? -1.0F : 1.0F;
    for (size_t k = 0; k < mean.size(); ++k) mean[k] += sign * profile[k];
  }
  return mean;
}

void EdgeFinder::Match(LumaPatch& luma, const Contour& outline, const EdgeFilter& filter, float darkest,
                       float brightest) {
  constexpr auto kPhases = EdgeFilter::kPhases;
  constexpr float kPhase = kFloatStep / kPhases;
  const int ends = reach_ + kBeyond;
  Reserve(centers_, count_);
  Reserve(shifts_, count_);
  Reserve(contrasts_, count_);
  for (size_t i = 0; i < count_; ++i) {
    const int place = std::clamp(Rounded(filtered_[i] / kPhase), -kPhases * reach_, kPhases * reach_) + kPhases * ends;
    const auto phase = static_cast<size_t>(place % kPhases);
    centers_[i] = static_cast<float>(place - kPhases * ends) * kPhase;
    const int first = place / kPhases - filter.taps;
    const float* profile = Profile(luma, outline, i, first, first + 2 * filter.taps + 1);
    const float* shift_weights = filter.shift[phase].data();
    const float* step_weights = filter.contrast[phase].data();
    Lanes shift{};
    Lanes step{};
    for (size_t k = 0; k < filter.row; k += kLanes) {
      const Lanes samples = Load(profile + k);
      shift += samples * Load(shift_weights + k);
      step += samples * Load(step_weights + k);
    }
    shifts_[i] = SumOf(shift);
    contrasts_[i] = SumOf(step);
    const auto end = static_cast<size_t>(2 * filter.taps);
    const float before = (profile[0] + profile[1]) / 2;
    const float after = (profile[end - 1] + profile[end]) / 2;
    if (std::min(before, after) < darkest || std::max(before, after) > brightest) centers_[i] = kCut;
  }
  Unroll(contrasts_.data(), count_, kContrastAway, around_);
  float steps = 0;
  float found = 0;
  for (size_t i = 0; i < count_; ++i) {
    float total = 0;
    for (size_t k = 0; k <= 2 * kContrastAway; ++k) total += around_[i + k];
    shifts_[i] *= (2 * kContrastAway + 1) / total;
    contrasts_[i] = std::abs(total);
    const float counts = states_[i] == State::kFound ? 1 : 0;
    steps += counts * contrasts_[i];
    found += counts;
  }
  const float clear = kClear * steps / std::max(1.0F, found);
  Unroll(shifts_.data(), count_, 1, around_);
  for (size_t i = 0; i < count_; ++i) {
    const float shift = (around_[i] + around_[i + 1] + around_[i + 2]) / 3;
    const bool is_matched = std::abs(shift) <= kMostShift && centers_[i] < kCut;
    if (!is_matched) continue;
    if (states_[i] == State::kWeak && contrasts_[i] >= clear) states_[i] = State::kFound;
    if (states_[i] == State::kFound) offsets_[i] = centers_[i] + shift;
  }
}

RefinedContour EdgeFinder::Find(LumaPatch& luma, double noise, const Contour& outline, double reach) {
  count_ = outline.size();
  reach_ = static_cast<int>(std::ceil(std::clamp(reach, kLeastReach, kMostReach) / kStep));
  Reserve(offsets_, RowOf(static_cast<int>(count_)));
  Reserve(strengths_, RowOf(static_cast<int>(count_)));
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
    if (strengths_[i] * static_cast<float>(polarity) < 0) Search(i, polarity, threshold);
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
  FilterOffsets();
  const double blur = BlurOf(Mean(luma, outline));
  const float beside = kCutNoise * static_cast<float>(noise);
  Match(luma, outline, EdgeFilterFor(blur), luma.black() + beside, luma.white() - beside);
  FilterOffsets();
  RoughMedian deviation;
  for (size_t i = 0; i < count_; ++i) {
    if (states_[i] == State::kFound) deviation.Add(std::abs(offsets_[i] - filtered_[i]));
  }
  refined.spread = deviation.Value() / kMedianOfNormal;
  // The outline's steps are those of the mask's pixels, and the offsets undo them: places are smoothed, not offsets.
  const double most = kOutlier * std::max(refined.spread, kLeastOutlier);
  refined.points.resize(count_);
  for (size_t i = 0; i < count_; ++i) {
    const bool good = states_[i] == State::kFound && std::abs(offsets_[i] - filtered_[i]) <= most;
    const double offset = good ? offsets_[i] : filtered_[i];
    refined.points[i] = {outline[i].x + offset * normal_x_[i], outline[i].y + offset * normal_y_[i]};
  }
  bends_.Smooth(refined.points);
  // Blur of variance v moves the steepest place of an edge of curvature k by k v / 2 towards the centre of the bend.
  const std::vector<float>& curvatures = bends_.Curvatures(refined.points);
  refined.found.reserve(count_);
  for (size_t i = 0; i < count_; ++i) {
    const double back = curvatures[i] * blur / 2;
    refined.points[i].x += back * normal_x_[i];
    refined.points[i].y += back * normal_y_[i];
    if (states_[i] != State::kFound) continue;
    const double offset = offsets_[i] + back;
    refined.found.push_back({outline[i].x + offset * normal_x_[i], outline[i].y + offset * normal_y_[i]});
  }
  return refined;
}

}  // namespace fastsamd
