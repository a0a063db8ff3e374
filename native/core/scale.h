#pragma once

#include <cstdint>
#include <vector>

namespace fastsamd {

/// Shrinks interleaved 8 bit samples by area average: every output sample is the mean of the source area below it,
/// weighted by how much of each source sample lies inside. Keeps its memory from one call to the next; use one per
/// thread.
class AreaScaler {
 public:
  /// `source` is `height` rows of `width` pixels of `channels` samples, `stride` bytes apart. `target` is packed, of
  /// `target_width` by `target_height` pixels, neither larger than the source's and both at least 1.
  void Scale(const uint8_t* source, int stride, int width, int height, int channels, uint8_t* target, int target_width,
             int target_height);

 private:
  /// Output i of an axis is the sum of weights[i * taps + k] * source[first[i] + k] for k < count[i]; a sum is 1 << 12.
  struct Axis {
    std::vector<int> first;
    std::vector<int> count;
    std::vector<uint32_t> weights;
    int taps = 0;
  };

  /// The same where both sides shrink by one whole factor: without weights, several times as fast.
  void ScaleByWhole(const uint8_t* source, int stride, int factor, int channels, uint8_t* target, int target_width,
                    int target_height);
  static void Prepare(int source, int target, Axis& axis);

  Axis horizontal_;
  Axis vertical_;
  std::vector<uint32_t> row_;
  std::vector<uint16_t> column_sums_;
};

}  // namespace fastsamd
