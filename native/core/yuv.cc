#include "core/yuv.h"

#include <algorithm>

namespace fastsamd {
namespace {

struct LumaWeights {
  double red;
  double blue;
};

/// Kr and Kb of ITU-R BT.601, BT.709 and BT.2020.
LumaWeights WeightsOf(ColorMatrix matrix) {
  switch (matrix) {
    case ColorMatrix::kBt709:
      return {0.2126, 0.0722};
    case ColorMatrix::kBt2020:
      return {0.2627, 0.0593};
    case ColorMatrix::kBt601:
      break;
  }
  return {0.299, 0.114};
}

template <int kStep>
void ChromaTerms(const uint8_t* __restrict u, const uint8_t* __restrict v, size_t count, const YuvMatrix& matrix,
                 float* __restrict red, float* __restrict green, float* __restrict blue) {
  const YuvMatrix m = matrix;
  for (size_t i = 0; i < count; ++i) {
    const float du = static_cast<float>(u[i * kStep]) - 128.0F;
    const float dv = static_cast<float>(v[i * kStep]) - 128.0F;
    red[i] = m.red_v * dv;
    green[i] = m.green_u * du + m.green_v * dv;
    blue[i] = m.blue_u * du;
  }
}

/// Repeats every sample: pixels 2 * i and 2 * i + 1 share sample i.
void Double(const float* __restrict in, size_t count, float* __restrict out) {
  for (size_t i = 0; i < count; ++i) {
    out[2 * i] = in[i];
    out[2 * i + 1] = in[i];
  }
}

/// Luma on the scale of RGB, half a step up for the rounding by truncation to come.
void ScaleLuma(const uint8_t* __restrict in, size_t count, float scale, float offset, float* __restrict out) {
  for (size_t i = 0; i < count; ++i) out[i] = (static_cast<float>(in[i]) - offset) * scale + 0.5F;
}

void AddChroma(const float* __restrict luma, const float* __restrict term, size_t count, uint8_t* __restrict out) {
  for (size_t i = 0; i < count; ++i) {
    const int16_t value = static_cast<int16_t>(luma[i] + term[i]);
    out[i] = static_cast<uint8_t>(std::clamp<int16_t>(value, 0, 255));
  }
}

}  // namespace

YuvMatrix MakeYuvMatrix(ColorMatrix matrix, ColorRange range) {
  const LumaWeights k = WeightsOf(matrix);
  const bool limited = range == ColorRange::kLimited;
  const double chroma_scale = limited ? 255.0 / 224.0 : 1.0;
  const double green = 1.0 - k.red - k.blue;
  YuvMatrix made{};
  made.luma_scale = static_cast<float>(limited ? 255.0 / 219.0 : 1.0);
  made.luma_offset = limited ? 16.0F : 0.0F;
  made.red_v = static_cast<float>(2.0 * (1.0 - k.red) * chroma_scale);
  made.blue_u = static_cast<float>(2.0 * (1.0 - k.blue) * chroma_scale);
  made.green_u = static_cast<float>(-2.0 * k.blue * (1.0 - k.blue) / green * chroma_scale);
  made.green_v = static_cast<float>(-2.0 * k.red * (1.0 - k.red) / green * chroma_scale);
  return made;
}

YuvRows::YuvRows(const ImageView& image)
    : image_(image),
      matrix_(MakeYuvMatrix(image.matrix, image.range)),
      chroma_width_((static_cast<size_t>(image.width) + 1) / 2),
      sample_terms_(chroma_width_ * 3),
      terms_(chroma_width_ * 2 * 3),
      luma_(static_cast<size_t>(image.width)) {}

void YuvRows::LoadChroma(int chroma_row) {
  if (chroma_row == chroma_row_) return;
  chroma_row_ = chroma_row;
  float* red = sample_terms_.data();
  float* green = red + chroma_width_;
  float* blue = green + chroma_width_;
  const uint8_t* plane = image_.planes[1] + static_cast<size_t>(chroma_row) * static_cast<size_t>(image_.strides[1]);
  if (image_.format == PixelFormat::kNv12) {
    ChromaTerms<2>(plane, plane + 1, chroma_width_, matrix_, red, green, blue);
  } else {
    const uint8_t* v = image_.planes[2] + static_cast<size_t>(chroma_row) * static_cast<size_t>(image_.strides[2]);
    ChromaTerms<1>(plane, v, chroma_width_, matrix_, red, green, blue);
  }
  Double(sample_terms_.data(), sample_terms_.size(), terms_.data());
}

void YuvRows::ToPlanarRgb(int y, uint8_t* rgb) {
  LoadChroma(y / 2);
  const size_t width = luma_.size();
  const uint8_t* luma = image_.planes[0] + static_cast<size_t>(y) * static_cast<size_t>(image_.strides[0]);
  ScaleLuma(luma, width, matrix_.luma_scale, matrix_.luma_offset, luma_.data());
  for (size_t channel = 0; channel < 3; ++channel) {
    AddChroma(luma_.data(), terms_.data() + channel * chroma_width_ * 2, width, rgb + channel * width);
  }
}

}  // namespace fastsamd
