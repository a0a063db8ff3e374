#pragma once

#include <NvInfer.h>
#include <NvInferVersion.h>

#if NV_TENSORRT_MAJOR < 11

#include <fstream>
#include <string>
#include <vector>

#include "core/result.h"
#include "cuda/runtime.h"

namespace fastsamd::tensorrt {

/// Feeds calibration pictures to TensorRT's INT8 builder, one at a time. TensorRT 11 has no calibrators.
class Calibrator final : public nvinfer1::IInt8EntropyCalibrator2 {
 public:
  /// Errors: kSourceNotFound for a file without a single whole picture, kOutOfMemory.
  Status Open(const std::string& path, int input_width, int input_height);

  int32_t getBatchSize() const noexcept override { return 1; }
  bool getBatch(void* bindings[], const char* names[], int32_t count) noexcept override;
  const void* readCalibrationCache(size_t& length) noexcept override;
  void writeCalibrationCache(const void*, size_t) noexcept override {}

 private:
  std::ifstream file_;
  std::vector<char> picture_;
  std::vector<float> tensor_;
  cuda::DeviceMemory input_;
};

}  // namespace fastsamd::tensorrt

#endif
