#pragma once

#include <cuda_runtime_api.h>

#include <map>
#include <memory>
#include <string>

#include "standin/playback.h"

namespace fastsamd::standin {

/// Runs the network of a playback for one execution context: finds the recording that belongs to the input, and writes
/// its outputs. standin/play.cc does so on the CPU, test/gpu/play.cu with kernels on a real GPU.
class Player {
 public:
  virtual ~Player() = default;

  /// Queues one inference on `stream`. `addresses` has the memory of every input and output by name.
  virtual cudaError_t Enqueue(const std::map<std::string, void*>& addresses, cudaStream_t stream) = 0;
};

std::unique_ptr<Player> MakePlayer(std::shared_ptr<const Playback> playback);

}  // namespace fastsamd::standin
