#include "tensorrt/calibrator.h"

#if NV_TENSORRT_MAJOR < 11

#include <algorithm>
#include <utility>

namespace fastsamd::tensorrt {

Status Calibrator::Open(const std::string& path, int input_width, int input_height) {
  const size_t size = 3 * static_cast<size_t>(input_width) * static_cast<size_t>(input_height);
  file_.open(path, std::ios::binary | std::ios::ate);
  if (!file_ || static_cast<size_t>(file_.tellg()) < size) {
    return Error{ErrorCode::kSourceNotFound, path + ": no calibration pictures in it"};
  }
  file_.seekg(0);
  picture_.resize(size);
  tensor_.resize(size);
  Result<cuda::DeviceMemory> memory = cuda::AllocateDevice(size * sizeof(float));
  if (!memory.ok()) return memory.error();
  input_ = std::move(memory).value();
  return Ok();
}

bool Calibrator::getBatch(void* bindings[], const char*[], int32_t count) noexcept {
  if (count != 1 || !file_.read(picture_.data(), static_cast<std::streamsize>(picture_.size()))) return false;
  std::transform(picture_.begin(), picture_.end(), tensor_.begin(),
                 [](char byte) { return static_cast<float>(static_cast<unsigned char>(byte)) / 255.0F; });
  const size_t bytes = tensor_.size() * sizeof(float);
  if (cudaMemcpy(input_.get(), tensor_.data(), bytes, cudaMemcpyHostToDevice) != cudaSuccess) return false;
  bindings[0] = input_.get();
  return true;
}

const void* Calibrator::readCalibrationCache(size_t& length) noexcept {
  length = 0;
  return nullptr;
}

}  // namespace fastsamd::tensorrt

#endif
