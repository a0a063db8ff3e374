#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastsamd {

/// How pixels are weighed when an image is resized.
enum class ResampleFilter : uint8_t { kBilinear, kBicubic };

/// Resizes 8 bit planes as Pillow's Image.resize does (src/libImaging/Resample.c), which is what CLIP's own and the
/// Hugging Face preprocessing call: the filter (bicubic: Keys with a = -1/2; bilinear: triangle) is widened by the
/// scale when an axis shrinks (antialiasing) and centred on half pixels, weights are renormalised at the borders and
/// rounded to 22 bits, the width goes first and the result of either pass is rounded to 8 bit. Keeps its memory from
/// one call to the next; use one per thread.
class Resampler {
 public:
  /// `source` is `planes` planes of height * width bytes, `target` as many of target_height * target_width. All sides
  /// are at least 1.
  void Resize(const uint8_t* source, int width, int height, int planes, ResampleFilter filter, uint8_t* target,
              int target_width, int target_height);

 private:
  /// The weights of one axis: output i is the sum of weights[i * taps + k] * source[first[i] + k] for k < count[i].
  struct Axis {
    std::vector<int> first;
    std::vector<int> count;
    std::vector<int32_t> weights;
    size_t taps = 0;
  };

  static void Prepare(int source, int target, ResampleFilter filter, Axis& axis);
  void ResizeRows(const uint8_t* source, int width, int rows, uint8_t* target, int target_width) const;
  void ResizeColumns(const uint8_t* source, int width, uint8_t* target, int target_height);

  Axis horizontal_;
  Axis vertical_;
  std::vector<uint8_t> narrowed_;
  std::vector<int32_t> sums_;
};

}  // namespace fastsamd
