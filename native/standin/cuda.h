#pragma once

#include <cuda_runtime_api.h>

#include <functional>

namespace fastsamd::standin {

/// Work on a stream: done at once, or recorded while the stream is being captured.
cudaError_t Enqueue(cudaStream_t stream, std::function<void()> work);

/// Makes every later CUDA call fail, as after an illegal address; or not any more.
void LoseDevice(cudaError_t error);
void FindDevice();

}  // namespace fastsamd::standin
