// native/tensorrt on stand-ins of TensorRT and of the CUDA runtime: loading, inference, every error on the way.
#include <gtest/gtest.h>

#include <thread>

#include "core/letterbox.h"
#include "expect_segments.h"
#include "image_oracle.h"
#include "playback_file.h"
#include "standin/cuda.h"
#include "standin/faults.h"
#include "tensorrt/engine_file.h"
#include "tensorrt/execution.h"

namespace fastsamd::tensorrt {
namespace {

using test::ExpectEqual;
using test::PlaybackOf;
using test::RandomImage;
using test::Scene;
using test::WriteFile;

Scene SmallScene(uint32_t seed = 3) {
  return test::BlobScene(MakeGeometry(320, 200, 160, 128).value(), 12, 0.05, seed);
}

class TensorRt : public testing::Test {
 protected:
  void TearDown() override {
    standin::SetFaults("");
    standin::FindDevice();
  }

  static std::shared_ptr<Engine> Load(const std::vector<char>& bytes) {
    Result<std::shared_ptr<Engine>> engine = Engine::Load(WriteFile("test.engine", bytes), {});
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    return engine.value();
  }
  static std::unique_ptr<Execution> Run(const std::shared_ptr<Engine>& engine) {
    Result<std::unique_ptr<Execution>> execution = Execution::Make(engine);
    EXPECT_TRUE(execution.ok()) << execution.error().message;
    return std::move(execution).value();
  }
};

TEST_F(TensorRt, GivesWhatTheCoreDecodes) {
  const Scene scene = SmallScene();
  const Segments expected = Decode(scene.outputs(), scene.geometry, {}).value();
  ASSERT_GT(expected.count(), 3U);
  for (const bool extra : {false, true}) {
    const auto engine = Load(PlaybackOf(scene, {cuda::ElementType::kFloat, 0, extra, 0}));
    EXPECT_EQ(engine->signature().classes, 1);
    EXPECT_EQ(engine->signature().anchors, scene.anchors);
    const auto execution = Run(engine);
    EXPECT_TRUE(execution->uses_graph());
    for (const PixelFormat format : test::kFormats) {
      const RandomImage image(format, 320, 200, 3, 5);
      const Result<Segmented> segmented = execution->Segment(image.view, {});
      ASSERT_TRUE(segmented.ok()) << segmented.error().message;
      ExpectEqual(segmented.value().segments, expected);
      EXPECT_GE(segmented.value().timings.preprocess, 0.0);
      EXPECT_GE(segmented.value().timings.decode, 0.0);
    }
  }
}

TEST_F(TensorRt, HalfPrecisionTensorsGiveAlmostTheSame) {
  const Scene scene = SmallScene();
  const auto execution = Run(Load(PlaybackOf(scene, {cuda::ElementType::kHalf, 0, false, 0})));
  const RandomImage image(PixelFormat::kNv12, 320, 200, 0, 5);
  const Segments got = execution->Segment(image.view, {}).value().segments;
  const Segments expected = Decode(scene.outputs(), scene.geometry, {}).value();
  ASSERT_EQ(got.count(), expected.count());
  for (size_t i = 0; i < got.count(); ++i) EXPECT_NEAR(got.scores[i], expected.scores[i], 1e-3);
}

TEST_F(TensorRt, FramesOfChangingSizeAndFormat) {
  const Scene scene = SmallScene();
  const auto execution = Run(Load(PlaybackOf(scene)));
  for (const auto& [width, height] :
       {std::pair{320, 200}, std::pair{33, 47}, std::pair{641, 401}, std::pair{320, 200}}) {
    for (const PixelFormat format : test::kFormats) {
      const RandomImage image(format, width, height, 1, 9);
      const Segmented got = execution->Segment(image.view, {}).value();
      const Geometry g = MakeGeometry(width, height, 160, 128).value();
      ExpectEqual(got.segments, Decode(scene.outputs(), g, {}).value());
      EXPECT_EQ(got.geometry.content_width, g.content_width);
    }
  }
}

TEST_F(TensorRt, RunsWithoutAGraphWhereCudaRefusesOne) {
  const Scene scene = SmallScene();
  const RandomImage image(PixelFormat::kRgb, 320, 200, 0, 5);
  const Segments expected = Decode(scene.outputs(), scene.geometry, {}).value();
  for (const char* refused : {"cudaStreamBeginCapture:1:900", "cudaStreamEndCapture:1:901", "enqueueV3:2",
                              "cudaGraphInstantiateWithFlags:1:900"}) {
    // 900 and more are the codes of capturing, which leave the device as it is.
    standin::SetFaults("");
    const auto engine = Load(PlaybackOf(scene));
    standin::SetFaults(refused);
    const auto execution = Run(engine);
    standin::FindDevice();
    standin::SetFaults("");
    EXPECT_FALSE(execution->uses_graph()) << refused;
    ExpectEqual(execution->Segment(image.view, {}).value().segments, expected);
  }
}

/// TensorRT can put its work on another stream than the one that is recorded: the graph is empty, and no call says so.
TEST_F(TensorRt, AGraphThatComputesNothingIsNotUsed) {
  const Scene scene = SmallScene();
  const RandomImage image(PixelFormat::kRgb, 320, 200, 0, 5);
  const Segments expected = Decode(scene.outputs(), scene.geometry, {}).value();
  for (const cuda::ElementType type : {cuda::ElementType::kFloat, cuda::ElementType::kHalf}) {
    std::vector<std::string> log;
    const std::string path = WriteFile("empty-graph.engine", PlaybackOf(scene, {type, 0, false, 0}));
    const auto engine = Engine::Load(path, [&](LogLevel, const std::string& line) { log.push_back(line); });
    standin::SetFaults("recordEmpty:1:1");
    const auto execution = Run(engine.value());
    standin::SetFaults("");
    EXPECT_FALSE(execution->uses_graph());
    // After the warning of loading.
    ASSERT_EQ(log.size(), 2U);
    EXPECT_NE(log[1].find("the CUDA graph is not used: a replay gives other results"), std::string::npos);
    const Segments got = execution->Segment(image.view, {}).value().segments;
    EXPECT_EQ(got.count(), expected.count());
  }
}

TEST_F(TensorRt, AReplayThatFailsDropsTheGraph) {
  const Scene scene = SmallScene();
  const RandomImage image(PixelFormat::kRgb, 320, 200, 0, 5);
  const auto engine = Load(PlaybackOf(scene));
  standin::SetFaults("cudaGraphLaunch:1:1");
  const auto execution = Run(engine);
  standin::SetFaults("");
  EXPECT_FALSE(execution->uses_graph());
  ExpectEqual(execution->Segment(image.view, {}).value().segments, Decode(scene.outputs(), scene.geometry, {}).value());
}

TEST_F(TensorRt, SaysWhichPlanItCannotUse) {
  const Scene scene = SmallScene();
  const auto code = [](const std::vector<char>& bytes) {
    const auto engine = Engine::Load(WriteFile("bad.engine", bytes), {});
    EXPECT_FALSE(engine.ok());
    return engine.ok() ? ErrorCode::kInternal : engine.error().code;
  };
  EXPECT_EQ(code(PlaybackOf(scene, {cuda::ElementType::kFloat, 1, false, 0})), ErrorCode::kEngineStale);
  const std::vector<char> whole = PlaybackOf(scene);
  for (const size_t size : {whole.size() - 1, whole.size() / 2, size_t{64}}) {
    EXPECT_EQ(code({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), ErrorCode::kEngineStale);
  }
  for (const size_t size : {size_t{0}, size_t{4}, size_t{63}}) {
    EXPECT_EQ(code({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), ErrorCode::kEngineCorrupt);
  }
  EXPECT_EQ(code(PlaybackOf(scene, {cuda::ElementType::kFloat, 0, false, -1})), ErrorCode::kModelUnsupported);
  EXPECT_EQ(code(PlaybackOf(scene, {cuda::ElementType::kFloat, 0, false, 5})), ErrorCode::kModelUnsupported);
  EXPECT_EQ(Engine::Load("/nonexistent.engine", {}).error().code, ErrorCode::kSourceNotFound);
  EXPECT_EQ(Engine::Load("/tmp", {}).error().code, ErrorCode::kEngineCorrupt);
}

TEST_F(TensorRt, ReadsTheMetadataThatUltralyticsPutsFirst) {
  const std::vector<char> plan = PlaybackOf(SmallScene());
  const std::string json = R"({"names": {"0": "object"}, "imgsz": [128, 160]})";
  std::vector<char> file{static_cast<char>(json.size()), 0, 0, 0};
  file.insert(file.end(), json.begin(), json.end());
  const size_t prefix = file.size();
  file.insert(file.end(), plan.begin(), plan.end());
  EXPECT_EQ(Load(file)->metadata(), json);
  EXPECT_EQ(Load(plan)->metadata(), "");
  // Cut within the metadata, and right behind it.
  for (const size_t size : {size_t{20}, prefix}) {
    const auto cut =
        Engine::Load(WriteFile("cut.engine", {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)}), {});
    ASSERT_FALSE(cut.ok());
    EXPECT_EQ(cut.error().code, ErrorCode::kEngineCorrupt);
  }
}

/// TensorRT reads a plan for the core that was set before; without that it takes core 0 or refuses.
TEST_F(TensorRt, LoadsForTheAcceleratorCoreItWasBuiltFor) {
  const std::vector<char> plan = PlaybackOf(SmallScene());
  const std::string json = R"({"imgsz": [128, 160], "dla": 1})";
  std::vector<char> file{static_cast<char>(json.size()), 0, 0, 0};
  file.insert(file.end(), json.begin(), json.end());
  file.insert(file.end(), plan.begin(), plan.end());
  const std::string with_metadata = WriteFile("dla.engine", file);
  const std::string without = WriteFile("plain.engine", plan);
  const auto cores = [](const std::string& path, int core) {
    standin::SetFaults("");
    EXPECT_TRUE(Engine::Load(path, {}, core).ok());
    return standin::RecordedOf("runtime.dla");
  };
  EXPECT_EQ(cores(with_metadata, -1), std::vector<int>{1});
  EXPECT_EQ(cores(without, 0), std::vector<int>{0});
  EXPECT_EQ(cores(without, -1), std::vector<int>{});
  setenv("FASTSAMD_STANDIN_DLA_CORES", "1", 1);
  const auto gone = Engine::Load(with_metadata, {});
  unsetenv("FASTSAMD_STANDIN_DLA_CORES");
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, ErrorCode::kEngineStale);
  EXPECT_NE(gone.error().message.find("DLA core 1"), std::string::npos);
}

TEST_F(TensorRt, PassesOnWhatTensorRtWarnsOfAtLoading) {
  std::vector<std::string> warnings;
  const auto engine =
      Engine::Load(WriteFile("warned.engine", PlaybackOf(SmallScene())), [&](LogLevel level, const std::string& line) {
        if (level == LogLevel::kWarning) warnings.push_back(line);
      });
  ASSERT_TRUE(engine.ok());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("different models of devices"), std::string::npos);
}

/// Makes every call of loading, of allocating and of a frame fail in turn: an error comes out each time, nothing is
/// leaked (the sanitizer looks), and what can go on works afterwards.
TEST_F(TensorRt, EveryCallThatFailsIsAnError) {
  const Scene scene = SmallScene();
  const std::string path = WriteFile("faults.engine", PlaybackOf(scene, {cuda::ElementType::kFloat, 0, true, 0}));
  const RandomImage image(PixelFormat::kNv12, 320, 200, 0, 5);
  const auto attempt = [&]() -> Status {
    const auto engine = Engine::Load(path, {});
    if (!engine.ok()) return engine.error();
    auto execution = Execution::Make(engine.value());
    if (!execution.ok()) return execution.error();
    const auto segmented = execution.value()->Segment(image.view, {});
    if (!segmented.ok()) return segmented.error();
    const auto measured = execution.value()->Measure(2);
    if (!measured.ok()) return measured.error();
    return Ok();
  };
  ASSERT_TRUE(attempt().ok());
  int failures = 0;
  for (const char* call : {"cudaGetDevice",
                           "createInferRuntime",
                           "deserializeCudaEngine",
                           "createExecutionContext",
                           "setTensorAddress",
                           "cudaStreamCreateWithFlags",
                           "cudaEventCreateWithFlags",
                           "cudaMalloc",
                           "cudaHostAlloc",
                           "cudaHostGetDevicePointer",
                           "cudaMemsetAsync",
                           "cudaMemcpyAsync",
                           "cudaStreamSynchronize",
                           "cudaEventRecord",
                           "cudaEventSynchronize",
                           "cudaEventElapsedTime",
                           "cudaEventQuery",
                           "LaunchLetterbox",
                           "LaunchSelect",
                           "LaunchMaskLogits",
                           "cudaGraphLaunch"}) {
    // The first replay proves the graph, which is done without when that fails.
    const bool proof = std::string(call) == "cudaGraphLaunch";
    for (int nth = proof ? 2 : 1; nth < 100; ++nth) {
      const int before = standin::CallsOf(call);
      standin::SetFaults(std::string(call) + ":" + std::to_string(nth) + ":2");
      const Status failed = attempt();
      if (standin::CallsOf(call) - before < nth) break;
      ++failures;
      ASSERT_FALSE(failed.ok()) << call << " " << nth;
      EXPECT_FALSE(failed.error().message.empty());
      if (std::string(call) == "cudaGetDevice") {
        EXPECT_EQ(failed.error().code, ErrorCode::kEngineUnavailable) << failed.error().message;
      } else if (std::string(call).rfind("cuda", 0) == 0) {
        EXPECT_EQ(failed.error().code, ErrorCode::kOutOfMemory) << failed.error().message;
      }
    }
  }
  EXPECT_GT(failures, 50);
  standin::SetFaults("");
  EXPECT_TRUE(attempt().ok());
}

TEST_F(TensorRt, ALostDeviceStaysLost) {
  const Scene scene = SmallScene();
  const RandomImage image(PixelFormat::kRgb, 320, 200, 0, 5);
  for (const char* fault : {"cudaGraphLaunch:1:700", "cudaEventSynchronize:1:719", "LaunchLetterbox:1:700"}) {
    const auto execution = Run(Load(PlaybackOf(scene)));
    standin::SetFaults(fault);
    for (int again = 0; again < 3; ++again) {
      const auto lost = execution->Segment(image.view, {});
      ASSERT_FALSE(lost.ok());
      EXPECT_EQ(lost.error().code, ErrorCode::kEngineLost) << lost.error().message;
    }
    standin::FindDevice();
    standin::SetFaults("");
  }
}

TEST_F(TensorRt, AnInferenceThatFailsOnceIsFollowedByOnesThatDoNot) {
  const Scene scene = SmallScene();
  standin::SetFaults("cudaStreamBeginCapture:1:900");
  const auto execution = Run(Load(PlaybackOf(scene)));
  standin::FindDevice();
  const RandomImage image(PixelFormat::kRgb, 320, 200, 0, 5);
  standin::SetFaults("enqueueV3:1:1");
  const auto failed = execution->Segment(image.view, {});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::kEngineFailed);
  EXPECT_TRUE(execution->Segment(image.view, {}).ok());
}

TEST_F(TensorRt, NoGpuIsSaidWithWhatToDo) {
  standin::SetFaults("cudaGetDevice:1:100");
  const auto engine = Engine::Load(WriteFile("none.engine", PlaybackOf(SmallScene())), {});
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.error().code, ErrorCode::kEngineUnavailable);
  EXPECT_NE(engine.error().message.find("groups video and render"), std::string::npos);
}

TEST_F(TensorRt, RefusesWhatCallersGetWrong) {
  const auto execution = Run(Load(PlaybackOf(SmallScene())));
  const RandomImage image(PixelFormat::kRgb, 320, 200, 0, 5);
  ImageView broken = image.view;
  broken.planes[0] = nullptr;
  EXPECT_EQ(execution->Segment(broken, {}).error().code, ErrorCode::kMisuse);
  DecodeOptions options;
  options.conf = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(execution->Segment(image.view, options).error().code, ErrorCode::kMisuse);
}

/// A frame that the GPU reads where it lies; `device` is what it has to read.
class LyingFrame : public DevicePixels {
 public:
  explicit LyingFrame(Result<ImageView> device) : device_(std::move(device)) {}
  Result<ImageView> ForGpu(const ImageView&) override {
    ++asked;
    return device_;
  }
  int asked = 0;

 private:
  Result<ImageView> device_;
};

TEST_F(TensorRt, AFrameInDeviceMemoryIsReadWhereItLies) {
  const Scene scene = SmallScene();
  const Segments expected = Decode(scene.outputs(), scene.geometry, {}).value();
  for (const PixelFormat format : test::kFormats) {
    const auto execution = Run(Load(PlaybackOf(scene)));
    const RandomImage image(format, 320, 200, 3, 5);
    LyingFrame frame(image.view);
    // The processor's addresses are not looked at.
    std::vector<uint8_t> nothing(1);
    ImageView elsewhere = image.view;
    for (const uint8_t*& plane : elsewhere.planes) plane = plane == nullptr ? nullptr : nothing.data();
    const int allocated = standin::CallsOf("cudaHostAlloc");
    const Result<Segmented> segmented = execution->Segment(elsewhere, {}, &frame);
    ASSERT_TRUE(segmented.ok()) << segmented.error().message;
    EXPECT_EQ(segmented.value().copied_because, "");
    EXPECT_EQ(frame.asked, 1);
    EXPECT_EQ(standin::CallsOf("cudaHostAlloc"), allocated);
    ExpectEqual(segmented.value().segments, expected);
  }
}

TEST_F(TensorRt, AFrameThatTheGpuCannotReadIsCopied) {
  const Scene scene = SmallScene();
  const auto execution = Run(Load(PlaybackOf(scene)));
  const RandomImage image(PixelFormat::kNv12, 320, 200, 3, 5);
  LyingFrame frame(Error{ErrorCode::kEngineFailed, "block linear"});
  const Result<Segmented> segmented = execution->Segment(image.view, {}, &frame);
  ASSERT_TRUE(segmented.ok());
  EXPECT_EQ(segmented.value().copied_because, "block linear");
  ExpectEqual(segmented.value().segments, Decode(scene.outputs(), scene.geometry, {}).value());
}

/// On a GPU that does nothing before it is waited for: results are read only afterwards, and a frame that lies in
/// device memory is given back only when nothing that was queued reads it any more, whichever call failed (the
/// sanitizer looks).
TEST_F(TensorRt, TheGpuIsThroughWithAFrameWhenItIsGivenBack) {
  const Scene scene = SmallScene();
  const auto engine = Load(PlaybackOf(scene));
  const auto execution = Run(engine);
  const Segments expected = Decode(scene.outputs(), scene.geometry, {}).value();
  standin::DeferWork(true);
  const auto segment = [&]() -> Result<Segmented> {
    const auto image = std::make_unique<RandomImage>(PixelFormat::kNv12, 320, 200, 3, 5);
    LyingFrame frame(image->view);
    return execution->Segment(image->view, {}, &frame);
  };
  ExpectEqual(segment().value().segments, expected);
  for (const char* call : {"cudaGraphLaunch", "LaunchSelect", "cudaMemcpyAsync", "cudaEventRecord",
                           "cudaEventSynchronize", "LaunchMaskLogits", "cudaEventElapsedTime"}) {
    for (int nth = 1;; ++nth) {
      const int before = standin::CallsOf(call);
      standin::SetFaults(std::string(call) + ":" + std::to_string(nth) + ":2");
      const Result<Segmented> failed = segment();
      if (standin::CallsOf(call) - before < nth) break;
      EXPECT_FALSE(failed.ok()) << call << " " << nth;
    }
    standin::SetFaults("");
    ExpectEqual(segment().value().segments, expected);
  }
  standin::DeferWork(false);
}

/// A frame costs one sleep, however many masks it has and whether or not tracks carry theirs through it: the masks take
/// so little that they are polled for.
TEST_F(TensorRt, AFrameIsWaitedForOnce) {
  const Scene scene = SmallScene();
  const auto execution = Run(Load(PlaybackOf(scene)));
  const RandomImage image(PixelFormat::kNv12, 320, 200, 3, 5);
  DecodeOptions options;
  options.coefficients = true;
  options.carry.push_back({7, {20, 20, 200, 150}, {1.0F}});
  options.carry.push_back({9, {-50, -50, -10, -10}, {}});
  const Segments expected = Decode(scene.outputs(), scene.geometry, options).value();
  ASSERT_GT(expected.count(), 3U);
  const auto waits = [] {
    return standin::CallsOf("cudaEventSynchronize") + standin::CallsOf("cudaStreamSynchronize");
  };
  for (const bool slow : {false, true}) {
    standin::DeferWork(slow);
    const int before = waits();
    const int polls = standin::CallsOf("cudaEventQuery");
    ExpectEqual(execution->Segment(image.view, options).value().segments, expected);
    EXPECT_EQ(waits() - before, 1);
    EXPECT_EQ(standin::CallsOf("cudaEventQuery") - polls, slow ? 2 : 1);
  }
  standin::DeferWork(false);
  // A scene without objects has no masks to wait for.
  options.carry.clear();
  options.conf = 0.999F;
  const int before = waits();
  EXPECT_EQ(execution->Segment(image.view, options).value().segments.count(), 0U);
  EXPECT_EQ(waits() - before, 1);
}

/// Masks that another context holds up are slept for, and the query that was not ready is no error of what follows.
TEST_F(TensorRt, MasksThatAreLateAreSleptFor) {
  const Scene scene = SmallScene();
  const auto execution = Run(Load(PlaybackOf(scene)));
  const RandomImage image(PixelFormat::kNv12, 320, 200, 3, 5);
  const Segments expected = Decode(scene.outputs(), scene.geometry, {}).value();
  standin::NeverReady(true);
  const int before = standin::CallsOf("cudaEventSynchronize");
  ExpectEqual(execution->Segment(image.view, {}).value().segments, expected);
  EXPECT_EQ(standin::CallsOf("cudaEventSynchronize") - before, 2);
  standin::NeverReady(false);
  ExpectEqual(execution->Segment(image.view, {}).value().segments, expected);
}

/// One engine, an execution per thread: what the thread sanitizer looks at.
TEST_F(TensorRt, ExecutionsOfOneEngineRunAtOnce) {
  const Scene scene = SmallScene();
  const auto engine = Load(PlaybackOf(scene));
  const Segments expected = Decode(scene.outputs(), scene.geometry, {}).value();
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const auto execution = Run(engine);
      const RandomImage image(test::kFormats[t], 320, 200, 0, t + 1);
      for (int i = 0; i < 8; ++i) ExpectEqual(execution->Segment(image.view, {}).value().segments, expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace fastsamd::tensorrt
