#pragma once

#include <cstdint>
#include <vector>

#include "core/image.h"

namespace fastsamd {

/// Converts rows of one nv12 or i420 image to planar 8 bit RGB, the form in which the conversion and the resampling
/// behind it vectorise. Two rows share their chroma, which is worked out once when they are asked for in turn. Use one
/// per thread.
class YuvRows {
 public:
  /// `image` must be valid (Validate) and outlive this object.
  explicit YuvRows(const ImageView& image);

  /// Writes row `y` as 3 * width bytes: red, green, blue.
  void ToPlanarRgb(int y, uint8_t* rgb);

 private:
  void LoadChroma(int chroma_row);

  const ImageView& image_;
  float luma_scale_;
  float luma_offset_;
  float red_v_;
  float green_u_;
  float green_v_;
  float blue_u_;
  size_t chroma_width_;
  int chroma_row_ = -1;
  /// What chroma adds to red, green and blue: per chroma sample, and per pixel of an even width.
  std::vector<float> sample_terms_;
  std::vector<float> terms_;
  std::vector<float> luma_;
};

}  // namespace fastsamd
