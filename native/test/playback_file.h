#pragma once

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

/// A "plan" for the stand-in of TensorRT that answers every input with the scene's outputs.
std::vector<char> PlaybackOf(const Scene& scene, const PlaybackOptions& options = {});

/// A file of these bytes in the test's temporary folder.
std::string WriteFile(const std::string& name, const std::vector<char>& bytes);

}  // namespace fastsamd::test
