// The CUDA runtime calls that native/cuda and native/tensorrt make, on host memory. Streams work at once.
#include "standin/cuda.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "cuda/kernels.h"
#include "standin/faults.h"
#include "standin/host_kernels.h"

using Work = std::vector<std::function<void()>>;

struct CUstream_st {
  bool capturing = false;
  Work recorded;
  Work deferred;
};
struct CUevent_st {
  cudaStream_t stream = nullptr;
  /// Work that is put off is done at the second time that it is asked for.
  bool asked = false;
  std::chrono::steady_clock::time_point at{};
};
struct CUgraph_st {
  Work work;
};
struct CUgraphExec_st {
  Work work;
};

namespace fastsamd::standin {
namespace {

std::atomic<int> lost{0};
std::atomic<bool> deferring{false};
std::atomic<bool> never_ready{false};
/// What cudaGetLastError is to say, once.
thread_local cudaError_t last = cudaSuccess;

/// What a call of this name answers.
cudaError_t Answer(const char* call) {
  const int fault = FaultOf(call);
  if (fault >= cudaErrorIllegalAddress) lost = fault;
  return static_cast<cudaError_t>(lost != 0 ? lost.load() : fault);
}

}  // namespace

cudaError_t Enqueue(cudaStream_t stream, std::function<void()> work) {
  if (lost != 0) return static_cast<cudaError_t>(lost.load());
  if (stream->capturing) {
    if (FaultOf("recordEmpty") == 0) stream->recorded.push_back(std::move(work));
  } else if (deferring) {
    stream->deferred.push_back(std::move(work));
  } else {
    work();
  }
  return cudaSuccess;
}

void DeferWork(bool defer) { deferring = defer; }
void NeverReady(bool never) { never_ready = never; }

cudaError_t NotReady() {
  last = cudaErrorNotReady;
  return cudaErrorNotReady;
}
cudaError_t TakeLast() { return std::exchange(last, cudaSuccess); }

/// Does what was put off.
void CatchUp(cudaStream_t stream) {
  if (stream == nullptr) return;
  for (const auto& work : std::exchange(stream->deferred, {})) work();
}

void LoseDevice(cudaError_t error) { lost = error; }
void FindDevice() { lost = 0; }

}  // namespace fastsamd::standin

using fastsamd::standin::Answer;
using fastsamd::standin::CatchUp;
using fastsamd::standin::Enqueue;
using fastsamd::standin::NotReady;
using fastsamd::standin::TakeLast;

#define ANSWER(call) \
  if (const cudaError_t answer = Answer(call); answer != cudaSuccess) return answer

extern "C" {

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "out of memory" : "stand-in error";
}
const char* cudaGetErrorName(cudaError_t error) {
  static thread_local char name[32];
  std::snprintf(name, sizeof(name), "error %d", static_cast<int>(error));
  return name;
}
cudaError_t cudaGetLastError() {
  const cudaError_t kept = TakeLast();
  ANSWER("cudaGetLastError");
  return kept;
}

cudaError_t cudaGetDevice(int* device) {
  ANSWER("cudaGetDevice");
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrComputeCapabilityMajor   ? 8
           : attribute == cudaDevAttrComputeCapabilityMinor ? 7
           : attribute == cudaDevAttrMultiProcessorCount    ? 8
                                                            : 1;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  const char* name = std::getenv("FASTSAMD_STANDIN_DEVICE");
  std::snprintf(properties->name, sizeof(properties->name), "%s", name == nullptr ? "stand-in" : name);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  ANSWER("cudaMemGetInfo");
  *free = size_t{4} << 30;
  *total = size_t{8} << 30;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  ANSWER("cudaStreamCreateWithFlags");
  *stream = new CUstream_st;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  ANSWER("cudaStreamSynchronize");
  CatchUp(stream);
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  ANSWER("cudaEventCreateWithFlags");
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  ANSWER("cudaEventRecord");
  event->stream = stream;
  event->at = std::chrono::steady_clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  ANSWER("cudaEventSynchronize");
  CatchUp(event->stream);
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  ANSWER("cudaEventQuery");
  const bool waiting = event->stream != nullptr && !event->stream->deferred.empty();
  if (fastsamd::standin::never_ready || (waiting && !std::exchange(event->asked, true))) return NotReady();
  event->asked = false;
  CatchUp(event->stream);
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t from, cudaEvent_t to) {
  ANSWER("cudaEventElapsedTime");
  *ms = std::chrono::duration<float, std::milli>(to->at - from->at).count();
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  ANSWER("cudaMalloc");
  *memory = std::malloc(bytes);
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned) {
  ANSWER("cudaHostAlloc");
  *memory = std::malloc(bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) {
  ANSWER("cudaHostGetDevicePointer");
  *device = host;
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  ANSWER("cudaMemcpy");
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  ANSWER("cudaMemcpyAsync");
  return Enqueue(stream, [=] { std::memcpy(to, from, bytes); });
}
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  ANSWER("cudaMemsetAsync");
  return Enqueue(stream, [=] { std::memset(memory, value, bytes); });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  ANSWER("cudaStreamBeginCapture");
  stream->capturing = true;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  stream->capturing = false;
  Work recorded = std::move(stream->recorded);
  stream->recorded.clear();
  ANSWER("cudaStreamEndCapture");
  *graph = new CUgraph_st{std::move(recorded)};
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  ANSWER("cudaGraphInstantiateWithFlags");
  *executable = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  ANSWER("cudaGraphLaunch");
  return Enqueue(stream, [executable] {
    for (const auto& work : executable->work) work();
  });
}

}  // extern "C"

namespace fastsamd::cuda {

cudaError_t LaunchLetterbox(PixelFormat format, const LetterboxInput& input, ElementType type, void* output,
                            cudaStream_t stream) {
  ANSWER("LaunchLetterbox");
  if (const cudaError_t kept = TakeLast(); kept != cudaSuccess) return kept;
  return Enqueue(stream, [=] {
    if (type == ElementType::kHalf) return standin::Letterbox(format, input, static_cast<Half*>(output));
    standin::Letterbox(format, input, static_cast<float*>(output));
  });
}

cudaError_t LaunchSelect(ElementType type, const void* detections, int anchors, int classes, float conf,
                         const Selection& selection, cudaStream_t stream) {
  ANSWER("LaunchSelect");
  if (const cudaError_t kept = TakeLast(); kept != cudaSuccess) return kept;
  return Enqueue(stream, [=] {
    if (type == ElementType::kHalf) {
      return standin::Select(static_cast<const Half*>(detections), anchors, classes, conf, selection);
    }
    standin::Select(static_cast<const float*>(detections), anchors, classes, conf, selection);
  });
}

cudaError_t LaunchMaskLogits(ElementType type, const void* proto, int proto_width, int proto_height,
                             const LogitRequest* requests, int count, int, float* logits, cudaStream_t stream) {
  ANSWER("LaunchMaskLogits");
  if (const cudaError_t kept = TakeLast(); kept != cudaSuccess) return kept;
  return Enqueue(stream, [=] {
    if (type == ElementType::kHalf) {
      return standin::MaskLogits(static_cast<const Half*>(proto), proto_width, proto_height, requests, count, logits);
    }
    standin::MaskLogits(static_cast<const float*>(proto), proto_width, proto_height, requests, count, logits);
  });
}

}  // namespace fastsamd::cuda
