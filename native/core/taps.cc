#include "core/taps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace fastsamd {
namespace {

constexpr float kWeightOne = 1 << kWeightBits;

}  // namespace

std::vector<Tap> MakeTaps(int source, int target) {
  std::vector<Tap> taps(static_cast<size_t>(target));
  const double scale = static_cast<double>(source) / target;
  for (int i = 0; i < target; ++i) {
    const float position = static_cast<float>((i + 0.5) * scale - 0.5);
    int low = static_cast<int>(std::floor(position));
    float fraction = position - static_cast<float>(low);
    if (low < 0 || low >= source - 1) {
      low = std::clamp(low, 0, source - 1);
      fraction = 0.0F;
    }
    const int high_weight = static_cast<int>(std::lrint(fraction * kWeightOne));
    const int low_weight = static_cast<int>(std::lrint((1.0F - fraction) * kWeightOne));
    taps[static_cast<size_t>(i)] = {low, std::min(low + 1, source - 1), low_weight, high_weight};
  }
  return taps;
}

}  // namespace fastsamd
