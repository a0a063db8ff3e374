#pragma once

#include <NvInferRuntime.h>

#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "cuda/kernels.h"
#include "tensorrt/logger.h"

namespace fastsamd::tensorrt {

/// An input or output of a network.
struct Tensor {
  std::string name;
  std::vector<int64_t> dims;
  cuda::ElementType type = cuda::ElementType::kFloat;
  size_t bytes = 0;
};

/// The YOLOv8-seg contract found in an engine by rank and shape; see src/model/signature.ts.
struct Signature {
  Tensor input;
  Tensor detections;
  Tensor proto;
  /// Outputs that are not read, though TensorRT must be able to write them.
  std::vector<Tensor> others;
  int input_width = 0;
  int input_height = 0;
  int classes = 0;
  int anchors = 0;
};

/// A deserialized engine, shared by its execution contexts. Free of per-frame state, so any thread may use it.
class Engine {
 public:
  /// Errors: those of ReadEngineFile; kEngineUnavailable without a GPU or TensorRT; kEngineStale when TensorRT refuses
  /// the plan (another version, another GPU, damage); kModelUnsupported for a network that is not YOLOv8-seg;
  /// kOutOfMemory.
  ///
  /// `dla_core` is the Deep Learning Accelerator core the engine was built for, or -1: the one that its metadata names
  /// (`dla`, as Ultralytics writes it), and else the GPU.
  static Result<std::shared_ptr<Engine>> Load(const std::string& path, LogSink sink, int dla_core = -1);

  const Signature& signature() const { return signature_; }
  /// The JSON in front of the plan; empty when there is none.
  const std::string& metadata() const { return metadata_; }
  Logger& logger() { return *logger_; }

  /// Errors: kOutOfMemory, kEngineFailed.
  Result<std::unique_ptr<nvinfer1::IExecutionContext>> MakeContext();

 private:
  Engine() = default;

  // In this order, so that each is destroyed before what it was made from.
  std::unique_ptr<Logger> logger_;
  std::unique_ptr<nvinfer1::IRuntime> runtime_;
  std::unique_ptr<nvinfer1::ICudaEngine> engine_;
  Signature signature_;
  std::string metadata_;
};

}  // namespace fastsamd::tensorrt
