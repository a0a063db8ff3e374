#pragma once

#include <cstddef>
#include <cstdint>

namespace fastsamd::gpu {

/// The hash by which the network of test/gpu/play.cu finds the recording of an input: a sum over its 32-bit words, so
/// that threads can add their parts in any order.
uint32_t InputHash(const void* input, size_t bytes);

}  // namespace fastsamd::gpu
