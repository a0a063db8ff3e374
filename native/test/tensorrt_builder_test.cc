#include <NvInfer.h>
#include <NvInferVersion.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "playback_file.h"
#include "standin/cuda.h"
#include "standin/faults.h"
#include "tensorrt/builder.h"

namespace fastsamd::tensorrt {
namespace {

using test::WriteFile;

constexpr int kSide = 64;

class Builder : public testing::Test {
 protected:
  void SetUp() override {
    plan_ = test::PlaybackOf(test::EmptyScene(MakeGeometry(kSide, kSide, kSide, kSide).value(), 1));
    setenv("FASTSAMD_STANDIN_PLAN", WriteFile("built.plan", plan_).c_str(), 1);
    request_.onnx_path = WriteFile("model.onnx", {8, 8, 18, 0});
    request_.plan_path = testing::TempDir() + "/fastsamd-out.plan";
    request_.precision = Precision::kFp32;
    request_.input_width = request_.input_height = kSide;
  }
  void TearDown() override {
    standin::SetFaults("");
    standin::FindDevice();
    std::remove(request_.plan_path.c_str());
  }

  Result<BuildReport> Build() {
    return BuildEngine(request_, {}, [this](const std::string& phase, int step, int steps) {
      progress_.push_back(phase + " " + std::to_string(step) + "/" + std::to_string(steps));
      return going_;
    });
  }
  ErrorCode CodeWith(const std::string& faults) {
    standin::SetFaults(faults);
    const auto built = Build();
    EXPECT_FALSE(built.ok()) << faults;
    EXPECT_FALSE(std::ifstream(request_.plan_path).good()) << "a failed build leaves no plan";
    return built.ok() ? ErrorCode::kInternal : built.error().code;
  }

  std::vector<char> plan_;
  BuildRequest request_;
  std::vector<std::string> progress_;
  bool going_ = true;
};

TEST_F(Builder, WritesThePlanAndReportsProgress) {
  const auto built = Build();
  ASSERT_TRUE(built.ok()) << built.error().message;
  EXPECT_EQ(built.value().plan_bytes, plan_.size());
  EXPECT_EQ(built.value().input_width, kSide);
  std::ifstream file(request_.plan_path, std::ios::binary);
  EXPECT_EQ(std::vector<char>(std::istreambuf_iterator<char>(file), {}), plan_);
#if NV_TENSORRT_MAJOR >= 10
  ASSERT_EQ(progress_.size(), 6U);
  EXPECT_EQ(progress_.front(), "Building engine from network 0/4");
  EXPECT_EQ(progress_.back(), "Building engine from network 4/4");
#else
  EXPECT_EQ(progress_.size(), 1U);
#endif
}

TEST_F(Builder, EveryFailureHasItsCode) {
  EXPECT_EQ(CodeWith("cudaGetDevice:1:100"), ErrorCode::kEngineUnavailable);
  EXPECT_EQ(CodeWith("createInferBuilder"), ErrorCode::kEngineUnavailable);
  EXPECT_EQ(CodeWith("createNvOnnxParser"), ErrorCode::kEngineUnavailable);
  EXPECT_EQ(CodeWith("createNetworkV2"), ErrorCode::kEngineFailed);
  EXPECT_EQ(CodeWith("createBuilderConfig"), ErrorCode::kEngineFailed);
  EXPECT_EQ(CodeWith("parseFromFile"), ErrorCode::kModelCorrupt);
  EXPECT_EQ(CodeWith("buildSerializedNetwork:1:1"), ErrorCode::kEngineFailed);
  EXPECT_EQ(CodeWith("buildSerializedNetwork:1:2"), ErrorCode::kOutOfMemory);
  request_.onnx_path = WriteFile("text.onnx", {'h', 'i'});
  EXPECT_EQ(CodeWith(""), ErrorCode::kModelCorrupt);
}

TEST_F(Builder, MemoryErrorsSayWhatToDo) {
  standin::SetFaults("buildSerializedNetwork:1:2");
  const auto built = Build();
  ASSERT_FALSE(built.ok());
  EXPECT_NE(built.error().message.find("--workspace"), std::string::npos) << built.error().message;
}

TEST_F(Builder, SaysWhenThePlanCannotBeWritten) {
  request_.plan_path = "/nonexistent/out.plan";
  EXPECT_EQ(CodeWith(""), ErrorCode::kOutputUnwritable);
}

TEST_F(Builder, StopsWhenAsked) {
  going_ = false;
  EXPECT_EQ(CodeWith(""), ErrorCode::kEngineFailed);
}

/// TF32 has the mantissa of float16: who asks for float32 must get it.
TEST_F(Builder, Float32IsNotTensorFloat32) {
  ASSERT_TRUE(Build().ok());
  EXPECT_EQ(standin::RecordedOf("config.clear"), std::vector<int>{static_cast<int>(nvinfer1::BuilderFlag::kTF32)});
}

TEST_F(Builder, UsesTheAcceleratorAsTrtexecDoes) {
  request_.dla_core = 1;
  EXPECT_EQ(CodeWith(""), ErrorCode::kMisuse) << "the accelerator has no float32";
  request_.precision = Precision::kInt8;
  EXPECT_EQ(CodeWith(""), ErrorCode::kMisuse) << "the accelerator reads no Q/DQ pairs";
  request_.precision = Precision::kFp16;
  standin::SetFaults("");
  ASSERT_TRUE(Build().ok());
  EXPECT_EQ(standin::RecordedOf("config.dla"), std::vector<int>{1});
#if NV_TENSORRT_MAJOR < 11
  EXPECT_EQ(standin::RecordedOf("layer.precision").size(), 2U) << "types are chosen for the accelerator";
#endif
  std::remove(request_.plan_path.c_str());
  setenv("FASTSAMD_STANDIN_DLA_CORES", "0", 1);
  EXPECT_EQ(CodeWith(""), ErrorCode::kEngineUnavailable) << "Thor has none";
  unsetenv("FASTSAMD_STANDIN_DLA_CORES");
}

TEST_F(Builder, KeepsTheTimesOfTacticsForTheNextBuild) {
  request_.timing_cache_path = testing::TempDir() + "/fastsamd-timing.cache";
  std::remove(request_.timing_cache_path.c_str());
  ASSERT_TRUE(Build().ok());
  std::ifstream file(request_.timing_cache_path, std::ios::binary);
  const std::string kept(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(kept, "timing of a stand-in");
  standin::SetFaults("");
  ASSERT_TRUE(Build().ok());
  EXPECT_EQ(standin::RecordedOf("config.cache"), std::vector<int>{static_cast<int>(kept.size())});
  // One of another TensorRT is filled afresh, and one that cannot be written is no error.
  std::ofstream(request_.timing_cache_path) << "other";
  ASSERT_TRUE(Build().ok());
  EXPECT_EQ(standin::RecordedOf("config.cache").back(), 0);
  std::remove(request_.timing_cache_path.c_str());
  request_.timing_cache_path = "/nonexistent/timing.cache";
  EXPECT_TRUE(Build().ok());
}

#if NV_TENSORRT_MAJOR > 8 || NV_TENSORRT_MINOR >= 6
TEST_F(Builder, LooksForTacticsAsLongAsAsked) {
  request_.optimization_level = 1;
  ASSERT_TRUE(Build().ok());
  EXPECT_EQ(standin::RecordedOf("config.level"), std::vector<int>{1});
}
#endif

/// From TensorRT 10 on the types of the model are the law. Before, the builder is told what it may use, and that what
/// follows the last quantisation in float32 stays so: layers 4 and 6 of the stand-in's network.
TEST_F(Builder, ComputesInTheTypesOfTheModel) {
  using nvinfer1::BuilderFlag;
  for (const Precision precision : {Precision::kFp16, Precision::kInt8}) {
    standin::SetFaults("");
    request_.precision = precision;
    ASSERT_TRUE(Build().ok());
    const std::vector<int> flags = standin::RecordedOf("config.set");
#if NV_TENSORRT_MAJOR >= 10
    EXPECT_EQ(standin::RecordedOf("network.flags"), std::vector<int>{NV_TENSORRT_MAJOR >= 11 ? 0 : 2});
    EXPECT_TRUE(flags.empty());
    EXPECT_TRUE(standin::RecordedOf("layer.precision").empty());
#else
    std::vector<int> expected = {static_cast<int>(BuilderFlag::kFP16)};
    if (precision == Precision::kInt8) expected.push_back(static_cast<int>(BuilderFlag::kINT8));
    expected.push_back(static_cast<int>(BuilderFlag::kPREFER_PRECISION_CONSTRAINTS));
    EXPECT_EQ(flags, expected);
    EXPECT_EQ(standin::RecordedOf("layer.precision"), (std::vector<int>{6, 4}));
    EXPECT_EQ(standin::RecordedOf("layer.type"), (std::vector<int>{0, 0}));
#endif
    EXPECT_EQ(standin::RecordedOf("config.clear"), std::vector<int>{static_cast<int>(BuilderFlag::kTF32)});
  }
}

}  // namespace
}  // namespace fastsamd::tensorrt
