#include "core/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fastsamd {
namespace {

/// One is this much in the weights: two bits of room for the overshoot of the bicubic filter beside 8 bit samples.
constexpr int kWeightBits = 32 - 8 - 2;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

double SupportOf(ResampleFilter filter) { return filter == ResampleFilter::kBicubic ? 2.0 : 1.0; }

double WeightOf(ResampleFilter filter, double distance) {
  const double x = std::abs(distance);
  if (filter == ResampleFilter::kBilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double kA = -0.5;
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * kA;
  return 0.0;
}

uint8_t ToByte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

}  // namespace

void Resampler::Prepare(int source, int target, ResampleFilter filter, Axis& axis) {
  const double scale = static_cast<double>(source) / target;
  const double widening = std::max(scale, 1.0);
  const double support = SupportOf(filter) * widening;
  axis.taps = static_cast<size_t>(std::ceil(support)) * 2 + 1;
  axis.first.resize(static_cast<size_t>(target));
  axis.count.resize(static_cast<size_t>(target));
  axis.weights.assign(static_cast<size_t>(target) * axis.taps, 0);
  std::vector<double> exact(axis.taps);
  for (int i = 0; i < target; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int count = std::min(static_cast<int>(centre + support + 0.5), source) - first;
    double total = 0.0;
    for (int k = 0; k < count; ++k) {
      const double weight = WeightOf(filter, (k + first - centre + 0.5) * (1.0 / widening));
      exact[static_cast<size_t>(k)] = weight;
      total += weight;
    }
    int32_t* weights = axis.weights.data() + static_cast<size_t>(i) * axis.taps;
    for (int k = 0; k < count; ++k) {
      const double weight = exact[static_cast<size_t>(k)] / total * (1 << kWeightBits);
      weights[k] = static_cast<int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    axis.first[static_cast<size_t>(i)] = first;
    axis.count[static_cast<size_t>(i)] = count;
  }
}

void Resampler::ResizeRows(const uint8_t* source, int width, int rows, uint8_t* target, int target_width) const {
  const size_t outputs = static_cast<size_t>(target_width);
  for (int y = 0; y < rows; ++y) {
    const uint8_t* row = source + static_cast<size_t>(y) * static_cast<size_t>(width);
    uint8_t* out = target + static_cast<size_t>(y) * outputs;
    for (size_t x = 0; x < outputs; ++x) {
      const uint8_t* samples = row + horizontal_.first[x];
      const int32_t* weights = horizontal_.weights.data() + x * horizontal_.taps;
      int32_t sum = kHalf;
      for (int k = 0; k < horizontal_.count[x]; ++k) sum += samples[k] * weights[k];
      out[x] = ToByte(sum);
    }
  }
}

void Resampler::ResizeColumns(const uint8_t* source, int width, uint8_t* target, int target_height) {
  const size_t columns = static_cast<size_t>(width);
  sums_.resize(columns);
  for (size_t y = 0; y < static_cast<size_t>(target_height); ++y) {
    const int32_t* weights = vertical_.weights.data() + y * vertical_.taps;
    const uint8_t* row = source + static_cast<size_t>(vertical_.first[y]) * columns;
    int32_t* __restrict sums = sums_.data();
    std::fill(sums, sums + columns, kHalf);
    for (int k = 0; k < vertical_.count[y]; ++k, row += columns) {
      const int32_t weight = weights[k];
      for (size_t x = 0; x < columns; ++x) sums[x] += row[x] * weight;
    }
    uint8_t* out = target + y * columns;
    for (size_t x = 0; x < columns; ++x) out[x] = ToByte(sums[x]);
  }
}

void Resampler::Resize(const uint8_t* source, int width, int height, int planes, ResampleFilter filter, uint8_t* target,
                       int target_width, int target_height) {
  const int rows = planes * height;
  const size_t narrow_plane = static_cast<size_t>(height) * static_cast<size_t>(target_width);
  const size_t target_plane = static_cast<size_t>(target_height) * static_cast<size_t>(target_width);
  const uint8_t* narrowed = source;
  if (width != target_width) {
    Prepare(width, target_width, filter, horizontal_);
    narrowed_.resize(static_cast<size_t>(planes) * narrow_plane);
    ResizeRows(source, width, rows, narrowed_.data(), target_width);
    narrowed = narrowed_.data();
  }
  if (height == target_height) {
    std::memcpy(target, narrowed, static_cast<size_t>(planes) * target_plane);
    return;
  }
  Prepare(height, target_height, filter, vertical_);
  for (size_t plane = 0; plane < static_cast<size_t>(planes); ++plane) {
    ResizeColumns(narrowed + plane * narrow_plane, target_width, target + plane * target_plane, target_height);
  }
}

}  // namespace fastsamd
