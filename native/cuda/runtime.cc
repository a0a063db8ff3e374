#include "cuda/runtime.h"

#include <utility>

namespace fastsamd::cuda {
namespace {

constexpr const char* kMemoryAdvice =
    "; stop what else uses the GPU, take a smaller model or input, or fewer contexts (model.tensorrt.contexts)";

// By number where the name came after CUDA 11.4.
constexpr int kContained = 226;
constexpr int kTensorMemoryLeak = 721;
constexpr int kExternalDevice = 911;

/// Errors after which every call of this process fails: only a new process has a working context.
bool IsSticky(int code) {
  switch (code) {
    case cudaErrorNoDevice:  // it was there at the first contact
    case cudaErrorECCUncorrectable:
    case cudaErrorHardwareStackError:
    case cudaErrorNvlinkUncorrectable:
    case kContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorContextIsDestroyed:
    case cudaErrorAssert:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case kTensorMemoryLeak:
    case kExternalDevice:
    case cudaErrorDeviceUninitialized:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

/// Errors that say at any time that this process cannot have the GPU, and that nothing was lost.
bool IsUnavailable(int code) {
  switch (code) {
    case cudaErrorInitializationError:
    case cudaErrorInsufficientDriver:
    case cudaErrorDevicesUnavailable:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorOperatingSystem:
    case cudaErrorNotPermitted:
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
      return true;
    default:
      return false;
  }
}

/// What to do about an error of the first contact. Without access to the device nodes the runtime says almost anything:
/// 999 without the group video, 801 without the render node, 100 or 304 in a container that has no devices.
std::string ContactAdvice(int code) {
  switch (code) {
    case cudaErrorMemoryAllocation:
      return "; the GPU has no memory left: stop what else uses it";
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      return "; the addon was built for other GPUs: build it on this machine (make build)";
    case cudaErrorInsufficientDriver:
    case cudaErrorCompatNotSupportedOnDevice:
      return "; no NVIDIA driver is loaded, or it is older than the CUDA " + std::to_string(CUDART_VERSION / 1000) +
             "." + std::to_string(CUDART_VERSION % 1000 / 10) + " that the addon was built with";
    case cudaErrorSystemDriverMismatch:
      return "; the driver's kernel module and its library are of two versions: restart the machine after an update";
    case cudaErrorSystemNotReady:
      return "; the driver is still starting, or its fabric manager is not running";
    case cudaErrorDevicesUnavailable:
      return "; another process has the GPU for itself (nvidia-smi -q -d COMPUTE), or it failed (dmesg)";
    default:
      return "; is there an NVIDIA GPU, is this user in the groups video and render, and may it open the nodes "
             "/dev/nvidia*, /dev/nvhost*, /dev/nvgpu/*, /dev/nvmap and /dev/dri/renderD* (fastsamd doctor lists them)?";
  }
}

std::string Describe(cudaError_t code, const char* what) {
  return std::string(what) + ": " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) + ", " +
         std::to_string(static_cast<int>(code)) + ")";
}

}  // namespace

Status Check(cudaError_t code, const char* what) {
  if (code == cudaSuccess) return Ok();
  // CUDA keeps the error until it is read, and the next launch of a kernel would report it once more.
  cudaGetLastError();
  const std::string text = Describe(code, what);
  if (code == cudaErrorMemoryAllocation) return Error{ErrorCode::kOutOfMemory, text + kMemoryAdvice};
  if (IsUnavailable(code)) return Error{ErrorCode::kEngineUnavailable, text + ContactAdvice(code)};
  if (IsSticky(code)) {
    return Error{ErrorCode::kEngineLost, text + "; the GPU is lost to this process, which must be started again"};
  }
  return Error{ErrorCode::kEngineFailed, text};
}

Status CheckContact(cudaError_t code, const char* what) {
  if (code == cudaSuccess) return Ok();
  cudaGetLastError();
  return Error{ErrorCode::kEngineUnavailable, Describe(code, what) + ContactAdvice(code)};
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
      {cudaDeviceGetAttribute(&device.multiprocessors, cudaDevAttrMultiProcessorCount, index), "asking the GPU"},
      {cudaGetDeviceProperties(&properties, index), "asking the GPU"},
      {cudaMemGetInfo(&device.free_bytes, &device.total_bytes), "asking for GPU memory"},
  };
  for (const auto& [code, what] : steps) {
    if (const Status done = CheckContact(code, what); !done.ok()) return done.error();
  }
  device.name = properties.name;
  device.integrated = integrated != 0;
  return device;
}

}  // namespace fastsamd::cuda
