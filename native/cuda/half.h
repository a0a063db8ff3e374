#pragma once

#include <cstdint>
#include <cstring>

#include "cuda/device.h"
#ifdef __CUDACC__
#include <cuda_fp16.h>
#endif

namespace fastsamd::cuda {

/// An IEEE 754 binary16 number by its bits, as TensorRT's kHALF tensors hold it.
struct Half {
  uint16_t bits;
};

FASTSAMD_DEVICE uint32_t BitsOf(float value) {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

FASTSAMD_DEVICE float FloatOf(uint32_t bits) {
  float value = 0.0F;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/// Rounds to nearest, ties to even. A GPU has an instruction for this, with the same result for every float.
FASTSAMD_DEVICE Half ToHalf(float value) {
#ifdef __CUDA_ARCH__
  return {__half_as_ushort(__float2half_rn(value))};
#else
  const uint32_t bits = BitsOf(value);
  const uint32_t sign = (bits >> 16) & 0x8000U;
  const uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return {static_cast<uint16_t>(sign | 0x7e00U)};
  // From 65520 on, which lies halfway between the largest half and what would be the next.
  if (magnitude >= 0x477ff000U) return {static_cast<uint16_t>(sign | 0x7c00U)};
  if (magnitude < 0x38800000U) {
    // Subnormal: adding 0.5 leaves multiples of 2^-24 in the low bits, rounded by the addition itself.
    return {static_cast<uint16_t>(sign | (BitsOf(FloatOf(magnitude) + 0.5F) - BitsOf(0.5F)))};
  }
  const uint32_t tie_to_even = ((magnitude >> 13) & 1U) + 0xfffU;
  return {static_cast<uint16_t>(sign | ((magnitude + tie_to_even - 0x38000000U) >> 13))};
#endif
}

FASTSAMD_DEVICE float ToFloat(Half half) {
#ifdef __CUDA_ARCH__
  return __half2float(__ushort_as_half(half.bits));
#else
  const uint32_t sign = (half.bits & 0x8000U) << 16;
  const uint32_t exponent = half.bits & 0x7c00U;
  const uint32_t fraction = half.bits & 0x3ffU;
  if (exponent == 0x7c00U) return FloatOf(sign | 0x7f800000U | (fraction << 13));
  if (exponent != 0) return FloatOf(sign | ((uint32_t{half.bits & 0x7fffU} << 13) + 0x38000000U));
  const float subnormal = static_cast<float>(fraction) * FloatOf(0x33800000U);  // fraction * 2^-24
  return FloatOf(sign | BitsOf(subnormal));
#endif
}

/// Elements of the network's tensors, which are float or Half.
FASTSAMD_DEVICE float Load(const float* tensor, size_t index) { return tensor[index]; }
FASTSAMD_DEVICE float Load(const Half* tensor, size_t index) { return ToFloat(tensor[index]); }
FASTSAMD_DEVICE void Store(float* tensor, size_t index, float value) { tensor[index] = value; }
FASTSAMD_DEVICE void Store(Half* tensor, size_t index, float value) { tensor[index] = ToHalf(value); }

}  // namespace fastsamd::cuda
