#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "measure/room.h"

namespace fastsamd {

/// Values that a median is taken of.
inline constexpr size_t kMedianOf = 9;
/// Neighbours on either side that a Gaussian mean reaches.
inline constexpr size_t kGaussianAway = 5;

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

/// out[i] = median of in[i] .. in[i + 8].
void MediansOfNine(const float* in, size_t count, float* out);

/// out[i] = mean of in[i] .. in[i + 10], weighted by a Gaussian of sigma 2.
void GaussianMeans(const float* in, size_t count, float* out);

}  // namespace fastsamd
