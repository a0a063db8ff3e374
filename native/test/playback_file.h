#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cuda/kernels.h"
#include "scene.h"

namespace fastsamd::test {

struct PlaybackOptions {
  cuda::ElementType type = cuda::ElementType::kFloat;
  /// 0 fits any TensorRT.
  uint32_t tensorrt_version = 0;
  /// Besides detections and proto masks, as a raw tracer leaves them.
  bool extra_output = false;
  /// The detections' last dimension, -1 for an open one; 0: the anchors.
  int last_dim = 0;
};

/// What the network answers to one input; to every input where no hash is given.
struct RecordedScene {
  Scene scene;
  std::optional<uint32_t> input_hash;
};

/// A "plan" for the stand-in of TensorRT that answers every input with the scene's outputs.
std::vector<char> PlaybackOf(const Scene& scene, const PlaybackOptions& options = {});

/// The same with a scene for each input. All have the input size and the classes of the first.
std::vector<char> PlaybackOf(const std::vector<RecordedScene>& recordings, const PlaybackOptions& options = {});

/// A file of these bytes in the temporary folder.
std::string WriteFile(const std::string& name, const std::vector<char>& bytes);

}  // namespace fastsamd::test
