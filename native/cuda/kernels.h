#pragma once

#include <cuda_runtime_api.h>

#include "cuda/letterbox_pixel.h"
#include "cuda/mask_logit.h"
#include "cuda/select_anchor.h"

// The kernels, queued on a stream. native/core is the oracle of each. All pointers are the device's; what they point to
// must stay as it is until the stream has passed. Returned is what the launch said.

namespace fastsamd::cuda {

/// Type of the elements of a network's tensor.
enum class ElementType { kFloat, kHalf };
constexpr size_t SizeOf(ElementType type) { return type == ElementType::kFloat ? 4 : 2; }

/// Letterbox of one frame into `output`, [3, input_height, input_width].
cudaError_t LaunchLetterbox(PixelFormat format, const LetterboxInput& input, ElementType type, void* output,
                            cudaStream_t stream);

/// SelectCandidates: sets `selection.count` to 0 and fills the selection.
cudaError_t LaunchSelect(ElementType type, const void* detections, int anchors, int classes, float conf,
                         const Selection& selection, cudaStream_t stream);

/// Mask logits of `count` objects, of at most `max_cells` cells each.
cudaError_t LaunchMaskLogits(ElementType type, const void* proto, int proto_width, int proto_height,
                             const LogitRequest* requests, int count, int max_cells, float* logits,
                             cudaStream_t stream);

}  // namespace fastsamd::cuda
