#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "core/result.h"

// The CUDA runtime calls that this project makes, with owners for what they allocate. Only calls that exist from CUDA
// 11.4 to 13.

namespace fastsamd::cuda {

/// Success, or what went wrong while doing `what` with a GPU that has answered before. Errors: kOutOfMemory,
/// kEngineUnavailable (this process cannot have the GPU), kEngineLost (the device or its context is gone for this
/// process), kEngineFailed.
Status Check(cudaError_t code, const char* what);

/// The same for the first contact with the GPU: nothing was lost, so every error is kEngineUnavailable, with advice.
Status CheckContact(cudaError_t code, const char* what);

struct StreamDeleter {
  void operator()(cudaStream_t stream) const noexcept { cudaStreamDestroy(stream); }
};
struct EventDeleter {
  void operator()(cudaEvent_t event) const noexcept { cudaEventDestroy(event); }
};
struct GraphDeleter {
  void operator()(cudaGraph_t graph) const noexcept { cudaGraphDestroy(graph); }
};
struct GraphExecDeleter {
  void operator()(cudaGraphExec_t graph) const noexcept { cudaGraphExecDestroy(graph); }
};
struct DeviceDeleter {
  void operator()(void* memory) const noexcept { cudaFree(memory); }
};
struct PinnedDeleter {
  void operator()(void* memory) const noexcept { cudaFreeHost(memory); }
};
using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, StreamDeleter>;
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, EventDeleter>;
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, GraphDeleter>;
using GraphExec = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, GraphExecDeleter>;
using DeviceMemory = std::unique_ptr<void, DeviceDeleter>;

/// Ordered apart from every other stream.
Result<Stream> MakeStream();
/// Waiting for it sleeps instead of spinning.
Result<Event> MakeEvent();
Result<DeviceMemory> AllocateDevice(size_t bytes);

/// Host memory that the GPU reads and writes where it lies.
class MappedMemory {
 public:
  MappedMemory() = default;
  static Result<MappedMemory> Allocate(size_t bytes);

  template <typename T>
  T* host() const {
    return static_cast<T*>(host_.get());
  }
  /// The same memory by the GPU's address.
  template <typename T>
  T* device() const {
    return static_cast<T*>(device_);
  }
  size_t bytes() const { return bytes_; }

 private:
  std::unique_ptr<void, PinnedDeleter> host_;
  void* device_ = nullptr;
  size_t bytes_ = 0;
};

/// Milliseconds between two events that have passed.
Result<float> ElapsedMs(const Event& from, const Event& to);

struct Device {
  std::string name;
  int compute_major = 0;
  int compute_minor = 0;
  /// As CUDA counts: 12060 for 12.6.
  int runtime_version = 0;
  /// GPU and CPU share their memory (Jetson).
  bool integrated = false;
  /// Streaming multiprocessors: modules of one name differ in them (Orin NX 8 GB and AGX Orin are both "Orin").
  int multiprocessors = 0;
  size_t free_bytes = 0;
  size_t total_bytes = 0;
};

/// The GPU of this process (CUDA_VISIBLE_DEVICES picks another), and the first contact with it: makes the context.
/// Errors: kEngineUnavailable.
Result<Device> QueryDevice();

}  // namespace fastsamd::cuda
