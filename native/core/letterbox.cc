#include "core/letterbox.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/color.h"
#include "core/taps.h"
#include "core/yuv.h"

namespace fastsamd {
namespace {

constexpr float kPadding = 114.0F / 255.0F;

/// Where a pixel's red, green and blue are in a row.
struct RowLayout {
  size_t pixel;
  size_t red;
  size_t green;
  size_t blue;
};

/// The rows of a packed 8 bit image, as they are.
class PackedRows {
 public:
  explicit PackedRows(const ImageView& image) : image_(image), step_(image.format == PixelFormat::kRgba ? 4 : 3) {}

  RowLayout layout() const {
    return image_.format == PixelFormat::kBgr ? RowLayout{step_, 2, 1, 0} : RowLayout{step_, 0, 1, 2};
  }
  const uint8_t* Row(int y) {
    return image_.planes[0] + static_cast<size_t>(y) * static_cast<size_t>(image_.strides[0]);
  }

 private:
  const ImageView& image_;
  size_t step_;
};

/// The rows of a YUV image as planar RGB, converted as they are asked for.
class PlanarRows {
 public:
  explicit PlanarRows(const ImageView& image)
      : rows_(image), width_(static_cast<size_t>(image.width)), rgb_(3 * width_) {}

  RowLayout layout() const { return {1, 0, width_, 2 * width_}; }
  /// Valid until the next call.
  const uint8_t* Row(int y) {
    rows_.ToPlanarRgb(y, rgb_.data());
    return rgb_.data();
  }

 private:
  YuvRows rows_;
  size_t width_;
  std::vector<uint8_t> rgb_;
};

/// One source row at the output's width: red, green and blue behind each other, weighted sums of two samples.
void ResampleRow(const uint8_t* __restrict row, const RowLayout& layout, const std::vector<Tap>& taps,
                 int32_t* __restrict out) {
  const size_t width = taps.size();
  for (size_t x = 0; x < width; ++x) {
    const Tap& tap = taps[x];
    const uint8_t* low = row + static_cast<size_t>(tap.low) * layout.pixel;
    const uint8_t* high = row + static_cast<size_t>(tap.high) * layout.pixel;
    out[x] = low[layout.red] * tap.low_weight + high[layout.red] * tap.high_weight;
    out[width + x] = low[layout.green] * tap.low_weight + high[layout.green] * tap.high_weight;
    out[2 * width + x] = low[layout.blue] * tap.low_weight + high[layout.blue] * tap.high_weight;
  }
}

/// Whether every output lies halfway between two samples of its own: the width is halved.
bool IsHalving(const std::vector<Tap>& taps) {
  for (size_t x = 0; x < taps.size(); ++x) {
    const Tap& tap = taps[x];
    if (tap.low != static_cast<int>(2 * x) || tap.low_weight != tap.high_weight) return false;
  }
  return true;
}

/// ResampleRow for a halved width and planar samples: 1280 wide cameras on a 640 network. The same sums, in a loop
/// that vectorises.
void HalveRow(const uint8_t* __restrict row, const RowLayout& layout, size_t width, int32_t* __restrict out) {
  for (const size_t channel : {layout.red, layout.green, layout.blue}) {
    const uint8_t* samples = row + channel;
    for (size_t x = 0; x < width; ++x) out[x] = (samples[2 * x] + samples[2 * x + 1]) * (1 << (kWeightBits - 1));
    out += width;
  }
}

/// Between two resampled rows: OpenCV's VResizeLinear, with its shifts and its rounding to 8 bit, then 0..1.
void BlendRows(const int32_t* __restrict upper, const int32_t* __restrict lower, const Tap& tap, size_t count,
               float* __restrict out) {
  for (size_t x = 0; x < count; ++x) {
    const int32_t a = (tap.low_weight * (upper[x] >> 4)) >> 16;
    const int32_t b = (tap.high_weight * (lower[x] >> 4)) >> 16;
    out[x] = static_cast<float>((a + b + 2) >> 2) / 255.0F;
  }
}

/// Source rows at the output's width. Each is resampled once: an output row reads a row and the one after it, and the
/// latest of either parity is kept.
template <typename Rows>
class ResampledRows {
 public:
  ResampledRows(Rows rows, const Geometry& geometry)
      : rows_(std::move(rows)),
        taps_(MakeTaps(geometry.frame_width, geometry.content_width)),
        halving_(rows_.layout().pixel == 1 && IsHalving(taps_)) {
    for (Slot& slot : slots_) slot.sums.resize(3 * taps_.size());
  }

  const int32_t* Row(int y) {
    Slot& slot = slots_[static_cast<size_t>(y % 2)];
    if (slot.row != y) {
      if (halving_) {
        HalveRow(rows_.Row(y), rows_.layout(), taps_.size(), slot.sums.data());
      } else {
        ResampleRow(rows_.Row(y), rows_.layout(), taps_, slot.sums.data());
      }
      slot.row = y;
    }
    return slot.sums.data();
  }

 private:
  struct Slot {
    int row = -1;
    std::vector<int32_t> sums;
  };

  Rows rows_;
  std::vector<Tap> taps_;
  bool halving_;
  std::array<Slot, 2> slots_;
};

template <typename Rows>
void ResampleContent(Rows rows, const Geometry& geometry, float* output) {
  ResampledRows<Rows> resampled(std::move(rows), geometry);
  const size_t width = static_cast<size_t>(geometry.input_width);
  const size_t plane = width * static_cast<size_t>(geometry.input_height);
  const size_t count = static_cast<size_t>(geometry.content_width);
  float* out = output + static_cast<size_t>(geometry.top) * width + static_cast<size_t>(geometry.left);
  for (const Tap& tap : MakeTaps(geometry.frame_height, geometry.content_height)) {
    const int32_t* upper = resampled.Row(tap.low);
    const int32_t* lower = tap.high_weight == 0 ? upper : resampled.Row(tap.high);
    for (size_t channel = 0; channel < 3; ++channel) {
      BlendRows(upper + channel * count, lower + channel * count, tap, count, out + channel * plane);
    }
    out += width;
  }
}

void FillPadding(const Geometry& geometry, float* output) {
  const size_t width = static_cast<size_t>(geometry.input_width);
  const size_t height = static_cast<size_t>(geometry.input_height);
  const size_t left = static_cast<size_t>(geometry.left);
  const size_t right = left + static_cast<size_t>(geometry.content_width);
  const size_t top = static_cast<size_t>(geometry.top);
  const size_t bottom = top + static_cast<size_t>(geometry.content_height);
  for (size_t channel = 0; channel < 3; ++channel) {
    float* plane = output + channel * width * height;
    std::fill(plane, plane + top * width, kPadding);
    for (size_t y = top; y < bottom; ++y) {
      float* row = plane + y * width;
      std::fill(row, row + left, kPadding);
      std::fill(row + right, row + width, kPadding);
    }
    std::fill(plane + bottom * width, plane + height * width, kPadding);
  }
}

}  // namespace

Status Letterbox(const ImageView& image, const Geometry& geometry, float* output, size_t size) {
  if (Status valid = Validate(image); !valid.ok()) return valid;
  if (Status valid = Validate(geometry); !valid.ok()) return valid;
  if (image.width != geometry.frame_width || image.height != geometry.frame_height) {
    return Error{ErrorCode::kMisuse, "expected a frame of the letterbox's size, " +
                                         std::to_string(geometry.frame_width) + "x" +
                                         std::to_string(geometry.frame_height) + ", got " +
                                         std::to_string(image.width) + "x" + std::to_string(image.height)};
  }
  const size_t expected = 3 * static_cast<size_t>(geometry.input_width) * static_cast<size_t>(geometry.input_height);
  if (output == nullptr || size != expected) {
    return Error{ErrorCode::kMisuse,
                 "expected an input tensor of " + std::to_string(expected) + " floats, got " + std::to_string(size)};
  }
  FillPadding(geometry, output);
  if (image.format == PixelFormat::kNv12 || image.format == PixelFormat::kI420) {
    ResampleContent(PlanarRows(image), geometry, output);
  } else {
    ResampleContent(PackedRows(image), geometry, output);
  }
  return Ok();
}

}  // namespace fastsamd
