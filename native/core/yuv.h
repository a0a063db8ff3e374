#pragma once

#include <cstdint>
#include <vector>

#include "core/image.h"

namespace fastsamd {

/// What turns 8 bit YUV into RGB:
///   luma = (Y - luma_offset) * luma_scale, du = U - 128, dv = V - 128,
///   R = luma + red_v * dv, G = luma + (green_u * du + green_v * dv), B = luma + blue_u * du.
struct YuvMatrix {
  float luma_scale;
  float luma_offset;
  float red_v;
  float green_u;
  float green_v;
  float blue_u;
};

/// The matrix of ITU-R BT.601, BT.709 or BT.2020, for limited (16..235) or full range.
YuvMatrix MakeYuvMatrix(ColorMatrix matrix, ColorRange range);

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
  YuvMatrix matrix_;
  size_t chroma_width_;
  int chroma_row_ = -1;
  /// What chroma adds to red, green and blue: per chroma sample, and per pixel of an even width.
  std::vector<float> sample_terms_;
  std::vector<float> terms_;
  std::vector<float> luma_;
};

}  // namespace fastsamd
