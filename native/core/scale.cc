#include "core/scale.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace fastsamd {
namespace {

/// Of the weights of either axis. Both and a sample of 8 bits fit 32 bits, the half for rounding included.
constexpr int kWeightBits = 12;
constexpr uint32_t kHalf = 1U << (2 * kWeightBits - 1);

/// Largest whole factor whose sums of one column fit 16 bits: 16 * 255.
constexpr int kMaxFactor = 16;

/// Output samples of a whole factor: each the mean of kFactor by kFactor source samples, rounded to the nearest.
/// kFactor 0: `factor`.
template <int kFactor, int kChannels>
void AverageRow(const uint16_t* sums, int factor_of_call, int target_width, uint8_t* out) {
  const int factor = kFactor == 0 ? factor_of_call : kFactor;
  const uint32_t area = static_cast<uint32_t>(factor * factor);
  for (int x = 0; x < target_width; ++x, sums += factor * kChannels, out += kChannels) {
    for (int channel = 0; channel < kChannels; ++channel) {
      uint32_t sum = area / 2;
      for (int k = 0; k < factor; ++k) sum += sums[k * kChannels + channel];
      out[channel] = static_cast<uint8_t>(sum / area);
    }
  }
}

using RowAverage = void (*)(const uint16_t*, int, int, uint8_t*);

template <int kChannels>
RowAverage RowAverageOf(int factor) {
  if (factor == 2) return AverageRow<2, kChannels>;
  return factor == 3 ? AverageRow<3, kChannels> : AverageRow<0, kChannels>;
}

RowAverage RowAverageOf(int factor, int channels) {
  if (channels == 1) return RowAverageOf<1>(factor);
  if (channels == 2) return RowAverageOf<2>(factor);
  return channels == 3 ? RowAverageOf<3>(factor) : RowAverageOf<4>(factor);
}

}  // namespace

void AreaScaler::ScaleByWhole(const uint8_t* source, int stride, int factor, int channels, uint8_t* target,
                              int target_width, int target_height) {
  const size_t samples = static_cast<size_t>(target_width) * static_cast<size_t>(factor * channels);
  column_sums_.resize(samples);
  const RowAverage average = RowAverageOf(factor, channels);
  for (int y = 0; y < target_height; ++y) {
    uint16_t* __restrict sums = column_sums_.data();
    const uint8_t* __restrict first = source + static_cast<ptrdiff_t>(y) * factor * stride;
    for (size_t x = 0; x < samples; ++x) sums[x] = first[x];
    for (int k = 1; k < factor; ++k) {
      const uint8_t* __restrict in = first + static_cast<ptrdiff_t>(k) * stride;
      for (size_t x = 0; x < samples; ++x) sums[x] = static_cast<uint16_t>(sums[x] + in[x]);
    }
    average(sums, factor, target_width, target + static_cast<ptrdiff_t>(y) * target_width * channels);
  }
}

void AreaScaler::Prepare(int source, int target, Axis& axis) {
  const double scale = static_cast<double>(source) / target;
  axis.taps = static_cast<int>(std::ceil(scale)) + 1;
  axis.first.resize(static_cast<size_t>(target));
  axis.count.resize(static_cast<size_t>(target));
  axis.weights.assign(static_cast<size_t>(target) * static_cast<size_t>(axis.taps), 0);
  for (int i = 0; i < target; ++i) {
    const double begin = i * scale;
    const double end = std::min((i + 1) * scale, static_cast<double>(source));
    const int first = static_cast<int>(begin);
    const int count = std::min(std::min(static_cast<int>(std::ceil(end)), source) - first, axis.taps);
    uint32_t* weights = axis.weights.data() + static_cast<size_t>(i) * static_cast<size_t>(axis.taps);
    uint32_t left = 1U << kWeightBits;
    double covered = 0.0;
    for (int k = 0; k < count; ++k) {
      covered += std::max(std::min(end, first + k + 1.0) - std::max(begin, static_cast<double>(first + k)), 0.0);
      // What is left for the rest keeps the sum exact.
      const double rest = (1.0 - covered / (end - begin)) * (1 << kWeightBits);
      const uint32_t after = k + 1 == count ? 0 : static_cast<uint32_t>(std::max(std::lround(rest), 0L));
      weights[k] = left - std::min(after, left);
      left = std::min(after, left);
    }
    axis.first[static_cast<size_t>(i)] = first;
    axis.count[static_cast<size_t>(i)] = count;
  }
}

void AreaScaler::Scale(const uint8_t* source, int stride, int width, int height, int channels, uint8_t* target,
                       int target_width, int target_height) {
  const int factor = width / target_width;
  if (factor >= 2 && factor <= kMaxFactor && channels <= 4 && width == factor * target_width &&
      height == factor * target_height) {
    ScaleByWhole(source, stride, factor, channels, target, target_width, target_height);
    return;
  }
  Prepare(width, target_width, horizontal_);
  Prepare(height, target_height, vertical_);
  const size_t samples = static_cast<size_t>(width) * static_cast<size_t>(channels);
  const size_t step = static_cast<size_t>(channels);
  row_.resize(samples);
  for (size_t y = 0; y < static_cast<size_t>(target_height); ++y) {
    uint32_t* __restrict sums = row_.data();
    const uint32_t* weights = vertical_.weights.data() + y * static_cast<size_t>(vertical_.taps);
    std::fill(sums, sums + samples, 0U);
    for (int k = 0; k < vertical_.count[y]; ++k) {
      const uint8_t* __restrict in = source + static_cast<ptrdiff_t>(vertical_.first[y] + k) * stride;
      const uint32_t weight = weights[k];
      if (weight == 0) continue;
      for (size_t x = 0; x < samples; ++x) sums[x] += in[x] * weight;
    }
    uint8_t* out = target + y * static_cast<size_t>(target_width) * step;
    for (size_t x = 0; x < static_cast<size_t>(target_width); ++x) {
      const uint32_t* taps = horizontal_.weights.data() + x * static_cast<size_t>(horizontal_.taps);
      const uint32_t* in = sums + static_cast<size_t>(horizontal_.first[x]) * step;
      for (size_t channel = 0; channel < step; ++channel) {
        uint32_t sum = kHalf;
        for (int k = 0; k < horizontal_.count[x]; ++k) sum += in[static_cast<size_t>(k) * step + channel] * taps[k];
        out[x * step + channel] = static_cast<uint8_t>(sum >> (2 * kWeightBits));
      }
    }
  }
}

}  // namespace fastsamd
