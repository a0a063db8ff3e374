// What native/cuda makes of CUDA's errors, by code, at the first contact with the GPU and in the middle of the work.
#include <gtest/gtest.h>

#include "cuda/runtime.h"
#include "standin/cuda.h"
#include "standin/faults.h"

namespace fastsamd::cuda {
namespace {

struct Row {
  int code;
  /// Part of what the user is told to do at the first contact, where every error is kEngineUnavailable.
  const char* advice;
  ErrorCode running;
};

// NOLINTNEXTLINE(modernize-avoid-c-arrays)
constexpr Row kRows[] = {
    {2, "stop what else uses it", ErrorCode::kOutOfMemory},
    {3, "groups video and render", ErrorCode::kEngineUnavailable},
    {35, "no NVIDIA driver is loaded, or it is older", ErrorCode::kEngineUnavailable},
    {46, "another process has the GPU for itself", ErrorCode::kEngineUnavailable},
    {100, "/dev/nvhost*", ErrorCode::kEngineLost},
    {209, "make build", ErrorCode::kEngineUnavailable},
    {222, "make build", ErrorCode::kEngineUnavailable},
    {226, "groups video and render", ErrorCode::kEngineLost},
    {304, "groups video and render", ErrorCode::kEngineUnavailable},
    {700, "groups video and render", ErrorCode::kEngineLost},
    {719, "groups video and render", ErrorCode::kEngineLost},
    {721, "groups video and render", ErrorCode::kEngineLost},
    {801, "groups video and render", ErrorCode::kEngineFailed},
    {802, "still starting", ErrorCode::kEngineUnavailable},
    {803, "restart the machine", ErrorCode::kEngineUnavailable},
    {900, "groups video and render", ErrorCode::kEngineFailed},
    {911, "groups video and render", ErrorCode::kEngineLost},
    {999, "groups video and render", ErrorCode::kEngineLost},
};

class CudaErrors : public testing::TestWithParam<Row> {
 protected:
  void TearDown() override {
    standin::SetFaults("");
    standin::FindDevice();
  }
};

TEST_P(CudaErrors, AtTheFirstContactAreUnavailableWithAdvice) {
  const Row& row = GetParam();
  for (const char* call : {"cudaGetDevice", "cudaMemGetInfo"}) {
    standin::SetFaults(std::string(call) + ":1:" + std::to_string(row.code));
    const Result<Device> device = QueryDevice();
    standin::FindDevice();
    ASSERT_FALSE(device.ok());
    EXPECT_EQ(device.error().code, ErrorCode::kEngineUnavailable) << device.error().message;
    EXPECT_NE(device.error().message.find(row.advice), std::string::npos) << device.error().message;
    EXPECT_NE(device.error().message.find(std::to_string(row.code)), std::string::npos) << device.error().message;
  }
}

TEST_P(CudaErrors, InTheMiddleOfTheWorkSayWhetherTheProcessGoesOn) {
  const Row& row = GetParam();
  const Status status = Check(static_cast<cudaError_t>(row.code), "inference");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, row.running) << status.error().message;
}

INSTANTIATE_TEST_SUITE_P(Codes, CudaErrors, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::to_string(row.param.code); });

/// CUDA keeps an error until it is read: what was reported once must not be reported by the next launch.
TEST(CudaError, IsReadOffWhenItIsReported) {
  const int before = standin::CallsOf("cudaGetLastError");
  EXPECT_FALSE(Check(cudaErrorMemoryAllocation, "allocating").ok());
  EXPECT_EQ(standin::CallsOf("cudaGetLastError"), before + 1);
  EXPECT_TRUE(Check(cudaSuccess, "allocating").ok());
  EXPECT_EQ(standin::CallsOf("cudaGetLastError"), before + 1);
}

}  // namespace
}  // namespace fastsamd::cuda
