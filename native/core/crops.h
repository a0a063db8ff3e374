#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/image.h"
#include "core/resample.h"
#include "core/result.h"
#include "core/segments.h"

namespace fastsamd {

/// Largest side of a crop.
inline constexpr int kMaxCropSide = 1024;

/// How an image encoder wants its pictures.
struct CropOptions {
  /// Side of the square the encoder reads, in pixels; 1..kMaxCropSide.
  int size = 224;
  ResampleFilter filter = ResampleFilter::kBicubic;
  /// Leave what is inside the box and not on the object's mask; false: replace it by `fill`.
  bool keep_background = true;
  /// 8 bit red, green, blue of the padding, and of the background unless that is kept.
  std::array<uint8_t, 3> fill{};
  /// A sample v of 0..255 becomes (v / 255 - mean) / deviation.
  std::array<float, 3> mean{};
  std::array<float, 3> deviation{};
};

/// Where an object's crop lies within the encoder's square: its box in whole pixels (rounded outwards, clipped to the
/// frame), its longer side scaled to the square's, the shorter one rounded and centred. Nothing is ever cut off.
struct CropGeometry {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  int target_width = 0;
  int target_height = 0;
  int left = 0;
  int top = 0;
};
/// `box` is x1, y1, x2, y2 in source pixels, finite.
CropGeometry MakeCropGeometry(const float* box, int frame_width, int frame_height, int size);

/// Writes the crops of the objects at `indices` as [count, 3, size, size] float32 RGB into `output` (`output_size`
/// floats). In this order, as CLIP's own preprocessing in Pillow: 8 bit RGB (ToRgb), background, resize (Resampler),
/// padding, normalisation. Errors: kMisuse when image and segments differ in size, segments, indices or options are
/// out of range, or a box is not finite.
Status CropBatch(const ImageView& image, const Segments& segments, const uint32_t* indices, size_t count,
                 const CropOptions& options, float* output, size_t output_size);

}  // namespace fastsamd
