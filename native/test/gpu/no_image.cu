// A kernel for GPUs of compute capability 7.5 alone: what a program built for another GPU meets.
#include <cuda_runtime.h>

namespace fastsamd::gpu {

__global__ void OtherGpuKernel() {}

cudaError_t LaunchForAnotherGpu() {
  OtherGpuKernel<<<1, 1>>>();
  return cudaGetLastError();
}

}  // namespace fastsamd::gpu
