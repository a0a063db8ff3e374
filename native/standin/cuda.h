#pragma once

#include <cuda_runtime_api.h>

#include <functional>

namespace fastsamd::standin {

/// Work on a stream: done at once, or recorded while the stream is being captured, or done by the next call that waits
/// for the stream.
cudaError_t Enqueue(cudaStream_t stream, std::function<void()> work);

/// Whether work waits until it is waited for, as on a GPU that is slow. What is read too early is then not there yet,
/// and what is freed too early is used afterwards.
void DeferWork(bool defer);

/// Whether every query of an event says that it has not passed. As in CUDA's runtime that is an error, which the next
/// launch reports unless it was taken first.
void NeverReady(bool never);

/// Makes every later CUDA call fail, as after an illegal address; or not any more.
void LoseDevice(cudaError_t error);
void FindDevice();

}  // namespace fastsamd::standin
