#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fastsamd {

/// Numbers that are worked on at once: as many as every processor has at least in one register.
inline constexpr size_t kLanes = 4;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using IntLanes = int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))));

inline Lanes Load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

inline void Store(Lanes lanes, float* to) { std::memcpy(to, &lanes, sizeof lanes); }

/// The same bits.
inline IntLanes AsInts(Lanes lanes) {
  IntLanes ints;
  std::memcpy(&ints, &lanes, sizeof ints);
  return ints;
}
inline Lanes AsLanes(IntLanes ints) {
  Lanes lanes;
  std::memcpy(&lanes, &ints, sizeof lanes);
  return lanes;
}

/// The sum of all lanes, always in this order.
inline float SumOf(Lanes lanes) { return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]); }

}  // namespace fastsamd
