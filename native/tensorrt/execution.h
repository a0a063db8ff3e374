#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/decode.h"
#include "core/device_pixels.h"
#include "core/image.h"
#include "cuda/masks.h"
#include "cuda/runtime.h"
#include "tensorrt/engine.h"

namespace fastsamd::tensorrt {

/// Milliseconds of one frame's stages; `preprocess` and `infer` by the GPU's clock (and the copy of the frame).
struct Timings {
  double preprocess = 0;
  double infer = 0;
  double decode = 0;
};

struct Segmented {
  Segments segments;
  Geometry geometry;
  Timings timings;
  /// Why a frame in device memory was copied all the same; empty when it was read where it lies, or lies elsewhere.
  std::string copied_because = {};
};

/// An execution context with its stream and memory: one frame at a time, from pixels to segments. Everything is
/// allocated when it is made, but for the frame's memory, which grows to the largest frame seen.
///
/// Frames and results lie in mapped pinned memory, what is between them in device memory. Objects are few once the GPU
/// has selected them, so NMS and the writing of mask runs are the CPU's, and the same code as without a GPU.
class Execution {
 public:
  /// Warms the network up, and records it as a CUDA graph. The graph is used when one replay of it gives what the plain
  /// run gave. Errors: kOutOfMemory, kEngineFailed, kEngineLost.
  static Result<std::unique_ptr<Execution>> Make(std::shared_ptr<Engine> engine);

  /// One call at a time, from any thread. With `device` the GPU reads the frame where it lies when it can, and the
  /// frame is copied for it when it cannot. Afterwards, with an error too, the GPU is through with the frame. Errors:
  /// kMisuse, kEngineFailed, kEngineLost (for good), kOutOfMemory.
  Result<Segmented> Segment(const ImageView& image, const DecodeOptions& options, DevicePixels* device = nullptr);

  /// Milliseconds of `runs` inferences on the input of the last frame.
  Result<std::vector<float>> Measure(int runs);

  /// Whether inference is one launch of a CUDA graph.
  bool uses_graph() const { return graph_ != nullptr; }

 private:
  explicit Execution(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}

  Status Allocate();
  Status BindOutput(const Tensor& tensor, cuda::DeviceMemory& memory);
  Status WarmUp();
  Status RecordGraph();
  bool Capture();
  Result<std::string> ProveGraph();
  Result<std::vector<char>> ReadBack(const void* memory, size_t bytes);
  Result<Segmented> Run(const ImageView& image, const DecodeOptions& options, DevicePixels* device);
  Status CopyFrame(const ImageView& image, cuda::LetterboxInput& input);
  Status LoadTaps(const Geometry& geometry);
  Status Letterbox(const ImageView& image, const ImageView* on_gpu, const Geometry& geometry);
  Status Infer();
  Status Select(float conf);
  Status WaitFor(const cuda::Event& event, const char* what);
  Status PollFor(const cuda::Event& event, const char* what);
  Result<Segments> MasksOf(const std::vector<DetectedObject>& objects, const cuda::SelectedAnchor* selected,
                           const Geometry& geometry);
  Result<Segments> Decode(const Geometry& geometry, const DecodeOptions& options);

  std::shared_ptr<Engine> engine_;
  cuda::Stream stream_;
  cuda::Event started_;
  cuda::Event letterboxed_;
  cuda::Event inferred_;
  cuda::Event done_;

  cuda::MappedMemory frame_;
  cuda::MappedMemory host_taps_;
  cuda::DeviceMemory taps_;
  /// The sizes that the taps are for.
  Geometry taps_geometry_;

  cuda::DeviceMemory input_;
  cuda::DeviceMemory detections_;
  cuda::DeviceMemory proto_;
  std::vector<cuda::DeviceMemory> others_;

  cuda::DeviceMemory selected_count_;
  cuda::MappedMemory host_count_;
  cuda::MappedMemory selected_;
  cuda::MappedMemory requests_;
  cuda::MappedMemory logits_;

  std::unique_ptr<nvinfer1::IExecutionContext> context_;
  cuda::GraphExec graph_;
};

}  // namespace fastsamd::tensorrt
