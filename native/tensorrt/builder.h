#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/result.h"
#include "tensorrt/logger.h"

namespace fastsamd::tensorrt {

/// What the model computes in. From TensorRT 10 on the types of its tensors say so and are obeyed; TensorRT 8, and
/// every TensorRT for the Deep Learning Accelerator, is told which types it may use.
enum class Precision { kFp32, kFp16, kInt8 };

/// What the builder is doing: a phase and how much of it is done. Returning false ends the build.
using ProgressSink = std::function<bool(const std::string& phase, int step, int steps)>;

struct BuildRequest {
  std::string onnx_path;
  /// Where the plan goes; written whole and durably.
  std::string plan_path;
  Precision precision = Precision::kFp16;
  /// Input size for models that leave it open.
  int input_width = 640;
  int input_height = 640;
  /// Scratch memory for the builder's tactics; 0: all there is.
  uint64_t workspace_bytes = 0;
  /// Deep Learning Accelerator core, or -1 for the GPU.
  int dla_core = -1;
  /// How long the builder looks for fast tactics, 0 to 5; TensorRT 8.5 has no such choice.
  int optimization_level = 3;
  /// File with the times of tactics measured in earlier builds; read when it is there, written after a build. A build
  /// with the same layers then takes seconds. Empty: none.
  std::string timing_cache_path;
};

struct BuildReport {
  uint64_t plan_bytes = 0;
  int input_width = 0;
  int input_height = 0;
};

/// Builds an engine for this GPU from an ONNX file whose tensors have the types that they are to be computed in:
/// float16 weights for kFp16, Q/DQ pairs for kInt8 (src/model/convert writes both). Takes minutes and much memory: in a
/// process of its own. Errors: kModelCorrupt and kModelUnsupported (with the parser's words), kEngineUnavailable,
/// kOutOfMemory, kEngineFailed, kOutputUnwritable.
Result<BuildReport> BuildEngine(const BuildRequest& request, LogSink log, ProgressSink progress);

}  // namespace fastsamd::tensorrt
