#include "core/crops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/color.h"
#include "core/mask_window.h"

namespace fastsamd {
namespace {

Error Misuse(std::string message) { return {ErrorCode::kMisuse, std::move(message)}; }

/// The part of an image from (x, y), which must be even for YUV, `width` by `height` pixels large.
ImageView PartOf(const ImageView& image, int x, int y, int width, int height) {
  ImageView part = image;
  part.width = width;
  part.height = height;
  const auto move = [&](size_t plane, int column_bytes, int row) {
    part.planes[plane] +=
        static_cast<size_t>(row) * static_cast<size_t>(image.strides[plane]) + static_cast<size_t>(column_bytes);
  };
  switch (image.format) {
    case PixelFormat::kNv12:
      move(0, x, y);
      move(1, x, y / 2);
      break;
    case PixelFormat::kI420:
      move(0, x, y);
      move(1, x / 2, y / 2);
      move(2, x / 2, y / 2);
      break;
    case PixelFormat::kRgba:
      move(0, 4 * x, y);
      break;
    case PixelFormat::kRgb:
    case PixelFormat::kBgr:
      move(0, 3 * x, y);
      break;
  }
  return part;
}

/// Makes one crop after the other, in memory that is kept between them.
class Cropper {
 public:
  Cropper(const ImageView& image, const Segments& segments, const CropOptions& options)
      : image_(image), segments_(segments), options_(options), window_(segments.height) {
    for (size_t channel = 0; channel < 3; ++channel) {
      for (size_t value = 0; value < 256; ++value) {
        normalised_[channel][value] =
            (static_cast<float>(value) / 255.0F - options.mean[channel]) / options.deviation[channel];
      }
    }
  }

  Status Write(uint32_t index, float* output) {
    const CropGeometry crop =
        MakeCropGeometry(segments_.boxes.data() + size_t{4} * index, image_.width, image_.height, options_.size);
    if (Status loaded = Load(crop); !loaded.ok()) return loaded;
    if (!options_.keep_background) FillOutside(index, crop);
    resized_.resize(size_t{3} * static_cast<size_t>(crop.target_width) * static_cast<size_t>(crop.target_height));
    resampler_.Resize(planar_.data(), crop.width, crop.height, 3, options_.filter, resized_.data(), crop.target_width,
                      crop.target_height);
    Normalise(crop, output);
    return Ok();
  }

 private:
  /// The box as three 8 bit planes.
  Status Load(const CropGeometry& crop) {
    // Chroma samples are shared by 2 x 2 pixels: the part begins where a sample does.
    const bool yuv = image_.format == PixelFormat::kNv12 || image_.format == PixelFormat::kI420;
    const int x = yuv ? crop.x & ~1 : crop.x;
    const int y = yuv ? crop.y & ~1 : crop.y;
    const int width = crop.x + crop.width - x;
    const int height = crop.y + crop.height - y;
    packed_.resize(size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height));
    if (Status converted = ToRgb(PartOf(image_, x, y, width, height), packed_.data()); !converted.ok())
      return converted;
    const size_t plane = static_cast<size_t>(crop.width) * static_cast<size_t>(crop.height);
    planar_.resize(3 * plane);
    uint8_t* red = planar_.data();
    for (int row = 0; row < crop.height; ++row) {
      const size_t start = static_cast<size_t>(row + crop.y - y) * static_cast<size_t>(width);
      const uint8_t* in = packed_.data() + 3 * (start + static_cast<size_t>(crop.x - x));
      for (int column = 0; column < crop.width; ++column, in += 3, ++red) {
        red[0] = in[0];
        red[plane] = in[1];
        red[2 * plane] = in[2];
      }
    }
    return Ok();
  }

  /// Replaces what the object's runs do not cover.
  void FillOutside(uint32_t index, const CropGeometry& crop) {
    const uint32_t first = segments_.offsets[index];
    const size_t count = segments_.offsets[index + 1] - first;
    const size_t width = static_cast<size_t>(crop.width);
    const size_t plane = width * static_cast<size_t>(crop.height);
    for (int column = 0; column < crop.width; column += MaskWindow::kColumns) {
      window_.Load(segments_.runs.data() + first, count, crop.x + column);
      const int columns = std::min(crop.width - column, MaskWindow::kColumns);
      const uint64_t within = ~uint64_t{0} >> (MaskWindow::kColumns - columns);
      for (int y = 0; y < crop.height; ++y) {
        uint8_t* row = planar_.data() + static_cast<size_t>(y) * width + static_cast<size_t>(column);
        ForEachBitRun(~window_.Row(crop.y + y) & within, [&](int start, int length) {
          for (size_t channel = 0; channel < 3; ++channel) {
            std::memset(row + channel * plane + start, options_.fill[channel], static_cast<size_t>(length));
          }
        });
      }
    }
  }

  void Normalise(const CropGeometry& crop, float* output) const {
    const size_t size = static_cast<size_t>(options_.size);
    const size_t width = static_cast<size_t>(crop.target_width);
    const uint8_t* in = resized_.data();
    for (size_t channel = 0; channel < 3; ++channel) {
      const auto& values = normalised_[channel];
      float* plane = output + channel * size * size;
      std::fill(plane, plane + size * size, values[options_.fill[channel]]);
      float* out = plane + static_cast<size_t>(crop.top) * size + static_cast<size_t>(crop.left);
      for (int row = 0; row < crop.target_height; ++row, in += width, out += size) {
        for (size_t column = 0; column < width; ++column) out[column] = values[in[column]];
      }
    }
  }

  const ImageView& image_;
  const Segments& segments_;
  const CropOptions& options_;
  MaskWindow window_;
  Resampler resampler_;
  std::array<std::array<float, 256>, 3> normalised_{};
  std::vector<uint8_t> packed_;
  std::vector<uint8_t> planar_;
  std::vector<uint8_t> resized_;
};

Status ValidateCall(const ImageView& image, const Segments& segments, const uint32_t* indices, size_t count,
                    const CropOptions& options, const float* output, size_t output_size) {
  if (Status valid = Validate(image); !valid.ok()) return valid;
  if (Status valid = Validate(segments); !valid.ok()) return valid;
  if (image.width != segments.width || image.height != segments.height) {
    return Misuse("expected segments of the frame's size, " + std::to_string(image.width) + "x" +
                  std::to_string(image.height) + ", got " + std::to_string(segments.width) + "x" +
                  std::to_string(segments.height));
  }
  if (options.size < 1 || options.size > kMaxCropSide) {
    return Misuse("expected crops of 1 to " + std::to_string(kMaxCropSide) + " pixels a side, got " +
                  std::to_string(options.size));
  }
  for (size_t channel = 0; channel < 3; ++channel) {
    if (!std::isfinite(options.mean[channel]) || !(options.deviation[channel] > 0.0F)) {
      return Misuse("expected finite means and positive deviations of crops");
    }
  }
  const size_t expected = count * 3 * static_cast<size_t>(options.size) * static_cast<size_t>(options.size);
  if (count > segments.count() || output_size < expected || (output == nullptr && expected > 0)) {
    return Misuse("expected room for " + std::to_string(expected) + " floats of crops, got " +
                  std::to_string(output_size));
  }
  for (size_t i = 0; i < count; ++i) {
    if (indices[i] >= segments.count()) {
      return Misuse("expected the index of one of " + std::to_string(segments.count()) + " objects, got " +
                    std::to_string(indices[i]));
    }
    const float* box = segments.boxes.data() + size_t{4} * indices[i];
    if (!std::all_of(box, box + 4, [](float side) { return std::isfinite(side); })) {
      return Misuse("expected a finite box of object " + std::to_string(indices[i]));
    }
  }
  return Ok();
}

/// The box's extent along one axis in whole pixels, at least one of them.
void Clip(float low, float high, int frame, int& start, int& length) {
  const double limit = frame;
  start = static_cast<int>(std::clamp(std::floor(static_cast<double>(low)), 0.0, limit - 1.0));
  const double end = std::clamp(std::ceil(static_cast<double>(high)), start + 1.0, limit);
  length = static_cast<int>(end) - start;
}

}  // namespace

CropGeometry MakeCropGeometry(const float* box, int frame_width, int frame_height, int size) {
  CropGeometry crop;
  Clip(box[0], box[2], frame_width, crop.x, crop.width);
  Clip(box[1], box[3], frame_height, crop.y, crop.height);
  const double scale = static_cast<double>(size) / std::max(crop.width, crop.height);
  const auto scaled = [&](int side) { return std::clamp(static_cast<int>(std::lround(side * scale)), 1, size); };
  crop.target_width = scaled(crop.width);
  crop.target_height = scaled(crop.height);
  crop.left = (size - crop.target_width) / 2;
  crop.top = (size - crop.target_height) / 2;
  return crop;
}

Status CropBatch(const ImageView& image, const Segments& segments, const uint32_t* indices, size_t count,
                 const CropOptions& options, float* output, size_t output_size) {
  if (Status valid = ValidateCall(image, segments, indices, count, options, output, output_size); !valid.ok()) {
    return valid;
  }
  Cropper cropper(image, segments, options);
  const size_t stride = size_t{3} * static_cast<size_t>(options.size) * static_cast<size_t>(options.size);
  for (size_t i = 0; i < count; ++i) {
    if (Status written = cropper.Write(indices[i], output + i * stride); !written.ok()) return written;
  }
  return Ok();
}

}  // namespace fastsamd
