// The network of a playback on a real GPU: a chain of kernels as long as that of a real network hashes the input, and a
// last kernel for each output writes the recording that belongs to the hash. Nothing is read back, so that CUDA can
// record the chain as a graph.
//
// Faults (standin/faults.h): "recordRefused" makes a call that CUDA forbids while a stream is being captured,
// "recordEmpty" queues nothing while it is. A lost device is lost by a kernel that reads address zero.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "play.h"
#include "standin/cuda.h"
#include "standin/faults.h"
#include "standin/play.h"

namespace fastsamd::gpu {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = 64;
/// Launches between the hash and the outputs: a YOLOv8s-seg engine of TensorRT has about as many.
constexpr int kLayers = 60;

__host__ __device__ inline uint32_t Mix(uint32_t word, uint32_t index) {
  uint32_t value = word * 2654435761U ^ (index + 0x9e3779b9U) * 2246822519U;
  value ^= value >> 15;
  return value * 3266489917U;
}

struct Recorded {
  uint32_t any_input;
  uint32_t input_hash;
  uint64_t offset;
};

__global__ void HashKernel(const uint32_t* input, uint32_t words, uint32_t* hash) {
  uint32_t sum = 0;
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < words; i += gridDim.x * blockDim.x) {
    sum += Mix(input[i], i);
  }
  atomicAdd(hash, sum);
}

/// A layer: passes the hash on, so that the next one cannot begin before.
__global__ void LayerKernel(const uint32_t* from, uint32_t* to) {
  if (threadIdx.x == 0) *to = *from;
}

__global__ void OutputKernel(const uint32_t* hash, const Recorded* recordings, uint32_t count, const uint8_t* bytes,
                             uint16_t* output, uint64_t elements) {
  const uint16_t* source = nullptr;
  for (uint32_t i = 0; i < count; ++i) {
    if (recordings[i].any_input != 0 || recordings[i].input_hash == *hash) {
      source = reinterpret_cast<const uint16_t*>(bytes + recordings[i].offset);
    }
  }
  for (uint64_t i = uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < elements; i += gridDim.x * blockDim.x) {
    output[i] = source == nullptr ? 0 : source[i];
  }
}

__global__ void ReadKernel(const int* address, int* to) { *to = *address; }

template <typename T>
T* Upload(const void* values, size_t bytes) {
  void* memory = nullptr;
  if (cudaMalloc(&memory, bytes) != cudaSuccess ||
      cudaMemcpy(memory, values, bytes, cudaMemcpyHostToDevice) != cudaSuccess) {
    std::fprintf(stderr, "stand-in network: no memory on the GPU\n");
    std::exit(2);
  }
  return static_cast<T*>(memory);
}

class GpuPlayer final : public standin::Player {
 public:
  explicit GpuPlayer(std::shared_ptr<const standin::Playback> playback) : playback_(std::move(playback)) {
    bytes_ = Upload<uint8_t>(playback_->bytes.data(), playback_->bytes.size());
    const std::vector<uint32_t> zeros(kLayers + 1, 0);
    hashes_ = Upload<uint32_t>(zeros.data(), zeros.size() * sizeof(uint32_t));
    for (size_t output = 0; output < playback_->outputs.size(); ++output) {
      std::vector<Recorded> recordings;
      for (const auto& r : playback_->recordings) {
        recordings.push_back({r.any_input ? 1U : 0U, r.input_crc, r.offsets[output]});
      }
      recordings_.push_back(Upload<Recorded>(recordings.data(), recordings.size() * sizeof(Recorded)));
    }
  }
  ~GpuPlayer() override {
    for (Recorded* recordings : recordings_) cudaFree(recordings);
    cudaFree(hashes_);
    cudaFree(bytes_);
  }

  cudaError_t Enqueue(const std::map<std::string, void*>& addresses, cudaStream_t stream) override {
    cudaStreamCaptureStatus status;
    if (const cudaError_t asked = cudaStreamIsCapturing(stream, &status); asked != cudaSuccess) return asked;
    if (status != cudaStreamCaptureStatusNone) {
      if (standin::FaultOf("recordRefused") != 0) {
        const cudaError_t refused = cudaStreamSynchronize(stream);
        cudaGetLastError();  // else the next launch would report it
        return refused;
      }
      if (standin::FaultOf("recordEmpty") != 0) return cudaSuccess;
    }
    if (const cudaError_t cleared = cudaMemsetAsync(hashes_, 0, sizeof(uint32_t), stream); cleared != cudaSuccess) {
      return cleared;
    }
    HashKernel<<<kBlocks, kThreads, 0, stream>>>(static_cast<const uint32_t*>(addresses.at("images")),
                                                 static_cast<uint32_t>(playback_->input_bytes() / 4), hashes_);
    for (int layer = 0; layer < kLayers; ++layer) {
      LayerKernel<<<1, 32, 0, stream>>>(hashes_ + layer, hashes_ + layer + 1);
    }
    const uint32_t count = static_cast<uint32_t>(playback_->recordings.size());
    for (size_t i = 0; i < playback_->outputs.size(); ++i) {
      OutputKernel<<<kBlocks, kThreads, 0, stream>>>(hashes_ + kLayers, recordings_[i], count, bytes_,
                                                     static_cast<uint16_t*>(addresses.at(playback_->outputs[i].name)),
                                                     playback_->outputs[i].bytes / 2);
    }
    return cudaGetLastError();
  }

 private:
  std::shared_ptr<const standin::Playback> playback_;
  uint8_t* bytes_ = nullptr;
  uint32_t* hashes_ = nullptr;
  std::vector<Recorded*> recordings_;
};

}  // namespace

uint32_t InputHash(const void* input, size_t bytes) {
  const auto* words = static_cast<const uint32_t*>(input);
  uint32_t sum = 0;
  for (uint32_t i = 0; i < bytes / 4; ++i) sum += Mix(words[i], i);
  return sum;
}

}  // namespace fastsamd::gpu

namespace fastsamd::standin {

std::unique_ptr<Player> MakePlayer(std::shared_ptr<const Playback> playback) {
  return std::make_unique<gpu::GpuPlayer>(std::move(playback));
}

void LoseDevice(cudaError_t) {
  gpu::ReadKernel<<<1, 1>>>(nullptr, nullptr);
  cudaDeviceSynchronize();
}

}  // namespace fastsamd::standin
