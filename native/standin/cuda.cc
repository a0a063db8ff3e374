// The CUDA runtime calls that native/cuda and native/tensorrt make, on host memory. Streams work at once.
#include "standin/cuda.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "cuda/kernels.h"
#include "standin/faults.h"
#include "standin/host_kernels.h"

using Work = std::vector<std::function<void()>>;

struct CUstream_st {
  bool capturing = false;
  Work recorded;
};
struct CUevent_st {
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
  } else {
    work();
  }
  return cudaSuccess;
}

void LoseDevice(cudaError_t error) { lost = error; }
void FindDevice() { lost = 0; }

}  // namespace fastsamd::standin

using fastsamd::standin::Answer;
using fastsamd::standin::Enqueue;

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
cudaError_t cudaGetLastError() { return Answer("cudaGetLastError"); }

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
cudaError_t cudaStreamSynchronize(cudaStream_t) { return Answer("cudaStreamSynchronize"); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  ANSWER("cudaEventCreateWithFlags");
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  ANSWER("cudaEventRecord");
  event->at = std::chrono::steady_clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return Answer("cudaEventSynchronize"); }
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
  return Enqueue(stream, [=] {
    if (type == ElementType::kHalf) return standin::Letterbox(format, input, static_cast<Half*>(output));
    standin::Letterbox(format, input, static_cast<float*>(output));
  });
}

cudaError_t LaunchSelect(ElementType type, const void* detections, int anchors, int classes, float conf,
                         const Selection& selection, cudaStream_t stream) {
  ANSWER("LaunchSelect");
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
  return Enqueue(stream, [=] {
    if (type == ElementType::kHalf) {
      return standin::MaskLogits(static_cast<const Half*>(proto), proto_width, proto_height, requests, count, logits);
    }
    standin::MaskLogits(static_cast<const float*>(proto), proto_width, proto_height, requests, count, logits);
  });
}

}  // namespace fastsamd::cuda
