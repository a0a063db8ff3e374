#pragma once

#include <vector>

namespace fastsamd {

/// One is 1 << kWeightBits in the fixed-point weights of OpenCV's resize.
inline constexpr int kWeightBits = 11;

/// Where one output position lies between two source positions, and what each of the two weighs.
struct Tap {
  int low;
  int high;
  int low_weight;
  int high_weight;
};

/// The positions and weights of OpenCV's INTER_LINEAR for 8 bit images, in its precision: one tap per target position.
std::vector<Tap> MakeTaps(int source, int target);

}  // namespace fastsamd
