#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "measure/lanes.h"

namespace fastsamd {

/// The median of many values that are not negative, to about 0.5 % of itself: counts by the exponent and the first bits
/// of the fraction, in one pass, without allocating. Values below 1 / 2^16 count as 0, those above 2^11 as
/// 2^11.
class RoughMedian {
 public:
  void Add(float value) {
    const int32_t key = static_cast<int32_t>(BitsOf(value) >> kDropped) - kLeast;
    counts_[std::clamp(key, 0, kBins - 1)] += 1;
    total_ += 1;
  }

  void Add(Lanes values) {
    const IntLanes keys = (AsInts(values) >> static_cast<int32_t>(kDropped)) - kLeast;
    const IntLanes floor = keys < 0 ? IntLanes{} : keys;
    const IntLanes bins = floor < kBins ? floor : IntLanes{} + (kBins - 1);
    for (size_t k = 0; k < kLanes; ++k) counts_[bins[k]] += 1;
    total_ += kLanes;
  }

  /// 0 of no value.
  float Value() const {
    const uint32_t half = total_ / 2;
    uint32_t below = 0;
    int32_t bin = 0;
    while (bin + 1 < kBins && below + counts_[bin] <= half) below += counts_[bin++];
    if (bin == 0 || total_ == 0) return 0;
    // Within the bin as if its values were evenly spread.
    const float share = (static_cast<float>(half - below) + 0.5F) / static_cast<float>(std::max(1U, counts_[bin]));
    const float first = ValueOf(static_cast<uint32_t>(bin + kLeast) << kDropped);
    const float next = ValueOf(static_cast<uint32_t>(bin + kLeast + 1) << kDropped);
    return first + std::min(1.0F, share) * (next - first);
  }

 private:
  static constexpr uint32_t kFraction = 5;
  static constexpr uint32_t kDropped = 23 - kFraction;
  static constexpr int32_t kLeast = (127 - 16) << kFraction;
  static constexpr int32_t kBins = 27 << kFraction;

  static uint32_t BitsOf(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
  }

  static float ValueOf(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  uint32_t counts_[kBins] = {};
  uint32_t total_ = 0;
};

}  // namespace fastsamd
