// native/tensorrt on a real GPU and the real CUDA runtime. TensorRT is the stand-in, whose network is a chain of
// kernels (play.cu): recording, instantiating and replaying a CUDA graph, two contexts, two frame sizes and a lost
// device are real; only what the network computes is not.
//   engine_check [quick | lost]
#include <cuda_runtime.h>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/letterbox.h"
#include "image_oracle.h"
#include "play.h"
#include "playback_file.h"
#include "report.h"
#include "standin/faults.h"
#include "tensorrt/execution.h"

namespace fastsamd::gpu {
namespace {

using cuda::ElementType;
using tensorrt::Engine;
using tensorrt::Execution;
using test::RandomImage;
using test::RecordedScene;
using test::Scene;

constexpr const char* kTypeNames[] = {"float", "half"};

/// A frame with what must be found in it.
struct Frame {
  RandomImage image;
  Segments expected;
};

bool Equal(const Segments& a, const Segments& b) {
  return a.width == b.width && a.height == b.height && a.boxes == b.boxes && a.scores == b.scores &&
         a.classes == b.classes && a.areas == b.areas && a.offsets == b.offsets && a.runs.size() == b.runs.size() &&
         std::memcmp(a.runs.data(), b.runs.data(), a.runs.size() * sizeof(a.runs[0])) == 0;
}

/// The bytes of the input that the letterbox of native/core gives.
std::vector<uint8_t> InputOf(const ImageView& view, const Geometry& g, ElementType type) {
  std::vector<float> input(size_t{3} * static_cast<size_t>(g.input_width) * static_cast<size_t>(g.input_height));
  static_cast<void>(Letterbox(view, g, input.data(), input.size()).ok());
  std::vector<uint8_t> bytes(input.size() * cuda::SizeOf(type));
  for (size_t i = 0; i < input.size(); ++i) {
    const cuda::Half half = cuda::ToHalf(input[i]);
    if (type == ElementType::kHalf) std::memcpy(&bytes[2 * i], &half, 2);
    if (type == ElementType::kFloat) std::memcpy(&bytes[4 * i], &input[i], 4);
  }
  return bytes;
}

struct Setup {
  std::vector<Frame> frames;
  std::string engine_path;
};

/// Frames of two sizes and two formats, and an engine that answers each with a scene of its own, and no other input.
Setup MakeSetup(int side, ElementType type) {
  struct Shape {
    PixelFormat format;
    int width, height;
  };
  Setup setup;
  std::vector<RecordedScene> recordings;
  uint32_t seed = 1;
  for (const Shape& s : {Shape{PixelFormat::kNv12, 1280, 720}, Shape{PixelFormat::kRgb, 641, 361}}) {
    RandomImage image(s.format, s.width, s.height, 3, seed);
    const Geometry g = MakeGeometry(s.width, s.height, side, side).value();
    Scene scene = test::BlobScene(g, 40, 0.05, seed++);
    if (type == ElementType::kHalf) {
      for (std::vector<float>* values : {&scene.detections, &scene.proto}) {
        for (float& value : *values) value = cuda::ToFloat(cuda::ToHalf(value));
      }
    }
    const std::vector<uint8_t> input = InputOf(image.view, g, type);
    recordings.push_back({scene, InputHash(input.data(), input.size())});
    setup.frames.push_back({std::move(image), Decode(scene.outputs(), g, {}).value()});
  }
  setup.engine_path = test::WriteFile(std::string("gpu-") + kTypeNames[type == ElementType::kHalf ? 1 : 0] + ".engine",
                                      test::PlaybackOf(recordings, {type, 0, false, 0}));
  return setup;
}

std::shared_ptr<Engine> Load(const std::string& path) {
  Result<std::shared_ptr<Engine>> engine = Engine::Load(path, {});
  if (engine.ok()) return std::move(engine).value();
  Expect(false, "loading an engine", engine.error().message);
  std::exit(2);
}

std::unique_ptr<Execution> Run(const std::shared_ptr<Engine>& engine) {
  Result<std::unique_ptr<Execution>> execution = Execution::Make(engine);
  if (execution.ok()) return std::move(execution).value();
  Expect(false, "making an execution context", execution.error().message);
  std::exit(2);
}

/// How many of `runs` frames, taking turns, gave what they must; the first error, if there was one.
int Correct(Execution& execution, const std::vector<Frame>& frames, int runs, std::string* error) {
  int correct = 0;
  for (int run = 0; run < runs; ++run) {
    const Frame& frame = frames[static_cast<size_t>(run) % frames.size()];
    const auto got = execution.Segment(frame.image.view, {});
    if (!got.ok() && error->empty()) *error = got.error().message;
    if (got.ok() && Equal(got.value().segments, frame.expected)) ++correct;
  }
  return correct;
}

float MedianOf(std::vector<float> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void CheckOneContext(const Setup& setup, const char* fault, bool graph, int runs, const std::string& what) {
  const auto engine = Load(setup.engine_path);
  standin::SetFaults(fault);
  const auto execution = Run(engine);
  standin::SetFaults("");
  std::string error;
  const int correct = Correct(*execution, setup.frames, runs, &error);
  Expect(execution->uses_graph() == graph && correct == runs, what,
         Text("graph %s, %d of %d frames equal ", execution->uses_graph() ? "yes" : "no", correct, runs) + error);
}

void CheckTwoContexts(const Setup& setup, int runs, const char* type) {
  const auto engine = Load(setup.engine_path);
  std::vector<int> correct(2, 0);
  std::vector<std::string> errors(2);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      const auto execution = Run(engine);
      correct[t] = Correct(*execution, setup.frames, runs, &errors[t]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  Expect(correct[0] == runs && correct[1] == runs, Text("two contexts at once, two frame sizes, %s", type),
         Text("%d and %d of %d equal ", correct[0], correct[1], runs) + errors[0] + errors[1]);
}

/// A call that failed must not be reported again by the next launch.
void CheckErrorIsForgotten(const Setup& setup) {
  const auto execution = Run(Load(setup.engine_path));
  const auto refused = cuda::AllocateDevice(size_t{1} << 50);
  const bool out_of_memory = !refused.ok() && refused.error().code == ErrorCode::kOutOfMemory;
  std::string error;
  const int correct = Correct(*execution, setup.frames, 4, &error);
  Expect(out_of_memory && correct == 4, "frames after an allocation that failed",
         Text("%d of 4 equal ", correct) + error);
}

void TimeFrames(const Setup& setup, const char* type) {
  const auto engine = Load(setup.engine_path);
  const auto graph = Run(engine);
  standin::SetFaults("recordRefused:1:1");
  const auto plain = Run(engine);
  standin::SetFaults("");
  const auto graph_ms = graph->Measure(200);
  const auto plain_ms = plain->Measure(200);
  if (!graph_ms.ok() || !plain_ms.ok()) return static_cast<void>(Expect(false, "timing the network"));
  Note(Text("63 launches of the network, %s", type),
       Text("graph %.4f ms, plain %.4f ms", MedianOf(graph_ms.value()), MedianOf(plain_ms.value())));
  for (const Frame& frame : setup.frames) {
    std::vector<float> whole, preprocess, infer, decode;
    for (int run = 0; run < 100; ++run) {
      const auto begin = std::chrono::steady_clock::now();
      const auto got = graph->Segment(frame.image.view, {});
      if (!got.ok()) return static_cast<void>(Expect(false, "timing a frame", got.error().message));
      whole.push_back(std::chrono::duration<float, std::milli>(std::chrono::steady_clock::now() - begin).count());
      preprocess.push_back(static_cast<float>(got.value().timings.preprocess));
      infer.push_back(static_cast<float>(got.value().timings.infer));
      decode.push_back(static_cast<float>(got.value().timings.decode));
    }
    Note(Text("a whole frame of %dx%d, %s", frame.image.view.width, frame.image.view.height, type),
         Text("%.3f ms = preprocess %.3f + network %.3f + decode %.3f", MedianOf(whole), MedianOf(preprocess),
              MedianOf(infer), MedianOf(decode)));
  }
}

/// In a process of its own: an illegal address takes the GPU from every context of the process.
void CheckLost(const Setup& setup) {
  const auto engine = Load(setup.engine_path);
  const auto other = Run(engine);
  standin::SetFaults("recordRefused:1:1");
  const auto plain = Run(engine);
  standin::SetFaults("enqueueV3:1:700");
  const auto lost = plain->Segment(setup.frames[0].image.view, {});
  standin::SetFaults("");
  const auto again = plain->Segment(setup.frames[0].image.view, {});
  const auto beside = other->Segment(setup.frames[1].image.view, {});
  const auto is_lost = [](const auto& result) { return !result.ok() && result.error().code == ErrorCode::kEngineLost; };
  Expect(is_lost(lost), "an illegal address in the network loses the engine", lost.ok() ? "" : lost.error().message);
  Expect(is_lost(again), "the next frame says the same", again.ok() ? "no error" : again.error().message);
  Expect(is_lost(beside), "the other context says the same", beside.ok() ? "no error" : beside.error().message);
}

}  // namespace
}  // namespace fastsamd::gpu

int main(int argc, char** argv) {
  using namespace fastsamd::gpu;
  using fastsamd::cuda::ElementType;
  const std::string mode = argc > 1 ? argv[1] : "";
  const bool quick = mode == "quick";
  const int side = quick ? 160 : 640;
  const int runs = quick ? 4 : 60;
  if (mode == "lost") {
    CheckLost(MakeSetup(160, ElementType::kFloat));
    return Finish();
  }
  for (const ElementType type : {ElementType::kFloat, ElementType::kHalf}) {
    const char* name = kTypeNames[type == ElementType::kHalf ? 1 : 0];
    const Setup setup = MakeSetup(side, type);
    CheckOneContext(setup, "", true, runs, Text("one context with a CUDA graph, %s", name));
    // Calls that fail on purpose are errors to compute-sanitizer.
    if (!quick) {
      CheckOneContext(setup, "recordRefused:1:1", false, runs, Text("a graph that CUDA refuses to record, %s", name));
    }
    CheckOneContext(setup, "recordEmpty:1:1", false, runs, Text("a graph that was recorded empty, %s", name));
    CheckTwoContexts(setup, runs, name);
    if (!quick) {
      CheckErrorIsForgotten(setup);
      TimeFrames(setup, name);
    }
  }
  return Finish();
}
