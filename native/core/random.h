#pragma once

#include <cstdint>

namespace fastsamd {

/// SplitMix64 (Steele, Lea, Flood 2014), as numbers in 0..1: the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  double Next() { return static_cast<double>(NextBits() >> 11) * 0x1.0p-53; }
  double Between(double low, double high) { return low + (high - low) * Next(); }
  /// One of 0..count - 1.
  int Below(int count) { return static_cast<int>(Next() * count); }

  uint64_t NextBits() {
    state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

/// Well-mixed bits of a lattice point (the finalizer of MurmurHash3, 32 bit).
inline uint32_t HashLattice(uint32_t x, uint32_t y, uint32_t seed) {
  uint32_t h = x * 0x9e3779b1u ^ y * 0x85ebca77u ^ seed;
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

}  // namespace fastsamd
