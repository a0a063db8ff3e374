#include "cuda/runtime.h"

#include <utility>

namespace fastsamd::cuda {
namespace {

constexpr const char* kMemoryAdvice =
    "; stop what else uses the GPU, take a smaller model or input, or fewer contexts (model.tensorrt.contexts)";

/// Errors after which every call of this process fails: only a new process has a working context.
bool IsSticky(cudaError_t code) {
  switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorDevicesUnavailable:
    case cudaErrorDeviceUninitialized:
    case cudaErrorContextIsDestroyed:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

bool IsUnavailable(cudaError_t code) {
  switch (code) {
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorInitializationError:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorSystemNotReady:
    case cudaErrorOperatingSystem:
    case cudaErrorNotPermitted:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      return true;
    default:
      return false;
  }
}

std::string AdviceFor(cudaError_t code) {
  switch (code) {
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      return "; the addon was built for other GPUs: build it on this machine (make build)";
    case cudaErrorInsufficientDriver:
    case cudaErrorSystemDriverMismatch:
      return "; the NVIDIA driver is older than the CUDA toolkit the addon was built with";
    default:
      return "; is there an NVIDIA GPU, and is this user in the groups video and render?";
  }
}

}  // namespace

Status Check(cudaError_t code, const char* what) {
  if (code == cudaSuccess) return Ok();
  // CUDA keeps the error until it is read, and the next launch of a kernel would report it once more.
  cudaGetLastError();
  std::string text = std::string(what) + ": " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) + ")";
  if (code == cudaErrorMemoryAllocation) return Error{ErrorCode::kOutOfMemory, text + kMemoryAdvice};
  if (IsUnavailable(code)) return Error{ErrorCode::kEngineUnavailable, text + AdviceFor(code)};
  if (IsSticky(code)) {
    return Error{ErrorCode::kEngineLost, text + "; the GPU is lost to this process, which must be started again"};
  }
  return Error{ErrorCode::kEngineFailed, text};
}

Result<Stream> MakeStream() {
  cudaStream_t stream = nullptr;
  const Status made = Check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a CUDA stream");
  if (!made.ok()) return made.error();
  return Stream(stream);
}

Result<Event> MakeEvent() {
  cudaEvent_t event = nullptr;
  const Status made = Check(cudaEventCreateWithFlags(&event, cudaEventBlockingSync), "making a CUDA event");
  if (!made.ok()) return made.error();
  return Event(event);
}

Result<DeviceMemory> AllocateDevice(size_t bytes) {
  void* memory = nullptr;
  const std::string what = "allocating " + std::to_string(bytes) + " bytes of GPU memory";
  const Status made = Check(cudaMalloc(&memory, bytes), what.c_str());
  if (!made.ok()) return made.error();
  return DeviceMemory(memory);
}

Result<MappedMemory> MappedMemory::Allocate(size_t bytes) {
  void* host = nullptr;
  const std::string what = "allocating " + std::to_string(bytes) + " bytes of pinned memory";
  const Status made = Check(cudaHostAlloc(&host, bytes, cudaHostAllocMapped), what.c_str());
  if (!made.ok()) return made.error();
  MappedMemory memory;
  memory.host_.reset(host);
  memory.bytes_ = bytes;
  const Status mapped = Check(cudaHostGetDevicePointer(&memory.device_, host, 0), "mapping pinned memory");
  if (!mapped.ok()) return mapped.error();
  return memory;
}

Result<float> ElapsedMs(const Event& from, const Event& to) {
  float ms = 0.0F;
  const Status measured = Check(cudaEventElapsedTime(&ms, from.get(), to.get()), "timing");
  if (!measured.ok()) return measured.error();
  return ms;
}

Result<Device> QueryDevice() {
  int index = 0;
  Device device;
  int integrated = 0;
  cudaDeviceProp properties{};
  const std::pair<cudaError_t, const char*> steps[] = {
      {cudaGetDevice(&index), "looking for a GPU"},
      {cudaRuntimeGetVersion(&device.runtime_version), "asking for the CUDA version"},
      {cudaDeviceGetAttribute(&device.compute_major, cudaDevAttrComputeCapabilityMajor, index), "asking the GPU"},
      {cudaDeviceGetAttribute(&device.compute_minor, cudaDevAttrComputeCapabilityMinor, index), "asking the GPU"},
      {cudaDeviceGetAttribute(&integrated, cudaDevAttrIntegrated, index), "asking the GPU"},
      {cudaGetDeviceProperties(&properties, index), "asking the GPU"},
      {cudaMemGetInfo(&device.free_bytes, &device.total_bytes), "asking for GPU memory"},
  };
  for (const auto& [code, what] : steps) {
    if (const Status done = Check(code, what); !done.ok()) return done.error();
  }
  device.name = properties.name;
  device.integrated = integrated != 0;
  return device;
}

}  // namespace fastsamd::cuda
