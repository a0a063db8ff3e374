#include "core/ayuv.h"

#include <cmath>

namespace fastsamd {
namespace {

/// Half a level up, and clamped before the truncation that rounds.
uint32_t Level(float value) {
  const float raised = value + 0.5F;
  const float clamped = raised < 0.0F ? 0.0F : raised > 255.0F ? 255.0F : raised;
  // By way of a signed integer, for which every machine has a vector instruction.
  return static_cast<uint32_t>(static_cast<int32_t>(clamped));
}

/// `luma` in levels of 8 bit, `du` and `dv` likewise, 0 without colour.
uint32_t Rgba(const YuvMatrix& m, float sample, float du, float dv) {
  const float luma = (sample - m.luma_offset) * m.luma_scale;
  const uint32_t red = Level(luma + m.red_v * dv);
  const uint32_t green = Level(luma + m.green_u * du + m.green_v * dv);
  const uint32_t blue = Level(luma + m.blue_u * du);
  return red | green << 8U | blue << 16U | 0xFF000000U;
}

float Sample(uint32_t bits) { return static_cast<float>(static_cast<int32_t>(bits)); }

}  // namespace

void AyuvToRgba(const uint32_t* __restrict ayuv, size_t width, const YuvMatrix& matrix, uint32_t* __restrict rgba) {
  const YuvMatrix m = matrix;
  for (size_t x = 0; x < width; ++x) {
    const uint32_t pixel = ayuv[x];
    rgba[x] =
        Rgba(m, Sample(pixel >> 8U & 0xFFU), Sample(pixel >> 16U & 0xFFU) - 128.0F, Sample(pixel >> 24U) - 128.0F);
  }
}

void Ayuv64ToRgba(const uint32_t* __restrict ayuv, size_t width, const YuvMatrix& matrix, ColorRange range, int depth,
                  uint32_t* __restrict rgba) {
  const YuvMatrix m = matrix;
  const float largest = std::ldexp(1.0F, 16) - std::ldexp(1.0F, 16 - depth);
  const float scale = range == ColorRange::kFull ? 255.0F / largest : 1.0F / 256.0F;
  for (size_t x = 0; x < width; ++x) {
    const uint32_t luma = ayuv[2 * x] >> 16U;
    const uint32_t chroma = ayuv[2 * x + 1];
    rgba[x] = Rgba(m, Sample(luma) * scale, (Sample(chroma & 0xFFFFU) - 32768.0F) * scale,
                   (Sample(chroma >> 16U) - 32768.0F) * scale);
  }
}

}  // namespace fastsamd
