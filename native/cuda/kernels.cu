// Compiled by nvcc with -fmad=false: see device.h.
#include <cuda_runtime.h>

#include "cuda/kernels.h"

namespace fastsamd::cuda {
namespace {

/// A warp writes a row of 32 pixels; 8 rows a block share source rows through the cache.
constexpr int kTileWidth = 32;
constexpr int kTileHeight = 8;
constexpr int kThreads = 256;

constexpr unsigned Blocks(int count, int per_block) {
  return static_cast<unsigned>((count + per_block - 1) / per_block);
}

template <PixelFormat kFormat, typename T>
__global__ void __launch_bounds__(kTileWidth* kTileHeight) LetterboxKernel(LetterboxInput input, T* output) {
  const int x = static_cast<int>(blockIdx.x * kTileWidth + threadIdx.x);
  const int y = static_cast<int>(blockIdx.y * kTileHeight + threadIdx.y);
  if (x < input.input_width && y < input.input_height) LetterboxPixel<kFormat, T>(input, x, y, output);
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    SelectKernel(const T* detections, int anchors, int classes, float conf, Selection selection) {
  const int anchor = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  SelectedAnchor selected;
  if (anchor >= anchors || !SelectAnchor(detections, anchors, classes, conf, anchor, selected)) return;
  selection.anchors[atomicAdd(selection.count, 1U)] = selected;
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    MaskLogitsKernel(const T* proto, int proto_width, int proto_height, const LogitRequest* requests, float* logits) {
  // The request lies in the host's memory: read once a block, not once a cell.
  __shared__ LogitRequest request;
  if (threadIdx.x == 0) request = requests[blockIdx.y];
  __syncthreads();
  const int index = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (index >= request.columns * request.rows) return;
  logits[request.offset + static_cast<unsigned>(index)] = MaskLogit(proto, proto_width, proto_height, request, index);
}

template <typename T>
cudaError_t LaunchLetterboxAs(PixelFormat format, const LetterboxInput& input, T* output, cudaStream_t stream) {
  const dim3 block(kTileWidth, kTileHeight);
  const dim3 grid(Blocks(input.input_width, kTileWidth), Blocks(input.input_height, kTileHeight));
  switch (format) {
    case PixelFormat::kRgb:
      LetterboxKernel<PixelFormat::kRgb><<<grid, block, 0, stream>>>(input, output);
      break;
    case PixelFormat::kBgr:
      LetterboxKernel<PixelFormat::kBgr><<<grid, block, 0, stream>>>(input, output);
      break;
    case PixelFormat::kRgba:
      LetterboxKernel<PixelFormat::kRgba><<<grid, block, 0, stream>>>(input, output);
      break;
    case PixelFormat::kNv12:
      LetterboxKernel<PixelFormat::kNv12><<<grid, block, 0, stream>>>(input, output);
      break;
    case PixelFormat::kI420:
      LetterboxKernel<PixelFormat::kI420><<<grid, block, 0, stream>>>(input, output);
      break;
  }
  return cudaGetLastError();
}

}  // namespace

cudaError_t LaunchLetterbox(PixelFormat format, const LetterboxInput& input, ElementType type, void* output,
                            cudaStream_t stream) {
  if (type == ElementType::kHalf) return LaunchLetterboxAs(format, input, static_cast<Half*>(output), stream);
  return LaunchLetterboxAs(format, input, static_cast<float*>(output), stream);
}

cudaError_t LaunchSelect(ElementType type, const void* detections, int anchors, int classes, float conf,
                         const Selection& selection, cudaStream_t stream) {
  const cudaError_t cleared = cudaMemsetAsync(selection.count, 0, sizeof(*selection.count), stream);
  if (cleared != cudaSuccess) return cleared;
  const unsigned blocks = Blocks(anchors, kThreads);
  if (type == ElementType::kHalf) {
    SelectKernel<<<blocks, kThreads, 0, stream>>>(static_cast<const Half*>(detections), anchors, classes, conf,
                                                  selection);
  } else {
    SelectKernel<<<blocks, kThreads, 0, stream>>>(static_cast<const float*>(detections), anchors, classes, conf,
                                                  selection);
  }
  return cudaGetLastError();
}

cudaError_t LaunchMaskLogits(ElementType type, const void* proto, int proto_width, int proto_height,
                             const LogitRequest* requests, int count, int max_cells, float* logits,
                             cudaStream_t stream) {
  if (count == 0 || max_cells == 0) return cudaSuccess;
  const dim3 grid(Blocks(max_cells, kThreads), static_cast<unsigned>(count));
  if (type == ElementType::kHalf) {
    MaskLogitsKernel<<<grid, kThreads, 0, stream>>>(static_cast<const Half*>(proto), proto_width, proto_height,
                                                    requests, logits);
  } else {
    MaskLogitsKernel<<<grid, kThreads, 0, stream>>>(static_cast<const float*>(proto), proto_width, proto_height,
                                                    requests, logits);
  }
  return cudaGetLastError();
}

}  // namespace fastsamd::cuda
