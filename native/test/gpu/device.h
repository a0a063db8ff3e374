#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "report.h"

// CUDA memory and times for the checks, which end at the first call that fails.

namespace fastsamd::gpu {

inline void Demand(cudaError_t code, const char* what) {
  if (code == cudaSuccess) return;
  Expect(false, what, std::string(cudaGetErrorName(code)) + ": " + cudaGetErrorString(code));
  std::exit(2);
}

/// Device memory of `count` elements. Bytes without a value are 0xff, which is NaN in every float type.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t count) : count_(count) {
    void* memory = nullptr;
    Demand(cudaMalloc(&memory, std::max<size_t>(bytes(), 1)), "cudaMalloc");
    memory_.reset(static_cast<T*>(memory));
    Demand(cudaMemset(memory, 0xff, bytes()), "cudaMemset");
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    Demand(cudaMemcpy(memory_.get(), values.data(), bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
  }

  T* get() const { return memory_.get(); }
  size_t bytes() const { return count_ * sizeof(T); }
  std::vector<T> Read() const {
    std::vector<T> values(count_);
    Demand(cudaMemcpy(values.data(), memory_.get(), bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return values;
  }

 private:
  struct Deleter {
    void operator()(T* memory) const { cudaFree(memory); }
  };
  size_t count_;
  std::unique_ptr<T, Deleter> memory_;
};

/// Pinned host memory that the GPU reads and writes by `device()`.
template <typename T>
class MappedArray {
 public:
  explicit MappedArray(size_t count) : count_(count) {
    void* memory = nullptr;
    Demand(cudaHostAlloc(&memory, bytes(), cudaHostAllocMapped), "cudaHostAlloc");
    memory_.reset(static_cast<T*>(memory));
    Demand(cudaHostGetDevicePointer(&device_, memory, 0), "cudaHostGetDevicePointer");
  }

  T* host() const { return memory_.get(); }
  T* device() const { return static_cast<T*>(device_); }
  size_t bytes() const { return count_ * sizeof(T); }

 private:
  struct Deleter {
    void operator()(T* memory) const { cudaFreeHost(memory); }
  };
  size_t count_;
  std::unique_ptr<T, Deleter> memory_;
  void* device_ = nullptr;
};

inline double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Median of `runs` times of `work`, in milliseconds by the GPU's clock, after ten that do not count. `work` queues on
/// the stream that it is given.
template <typename Work>
double MedianMs(const Work& work, int runs = 100) {
  cudaStream_t stream;
  cudaEvent_t begin, end;
  Demand(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  Demand(cudaEventCreate(&begin), "event");
  Demand(cudaEventCreate(&end), "event");
  std::vector<double> times;
  for (int run = -10; run < runs; ++run) {
    Demand(cudaEventRecord(begin, stream), "event");
    work(stream);
    Demand(cudaEventRecord(end, stream), "event");
    Demand(cudaEventSynchronize(end), "kernel");
    float ms = 0;
    Demand(cudaEventElapsedTime(&ms, begin, end), "event");
    if (run >= 0) times.push_back(ms);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaStreamDestroy(stream);
  return Median(times);
}

}  // namespace fastsamd::gpu
