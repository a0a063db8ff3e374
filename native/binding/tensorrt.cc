#include "binding/tensorrt.h"

#include <mutex>
#include <utility>

#include "binding/job.h"
#include "binding/native_context.h"
#include "binding/values.h"
#include "cuda/runtime.h"
#include "tensorrt/builder.h"
#include "tensorrt/execution.h"
#include "tensorrt/library.h"

namespace fastsamd::binding {
namespace {

using tensorrt::BuildReport;
using tensorrt::BuildRequest;
using tensorrt::Engine;
using tensorrt::Execution;
using tensorrt::Precision;

constexpr int kMaxContexts = 16;
constexpr int kMaxDlaCore = 15;
/// Lines of warnings that are passed on.
constexpr size_t kMaxWarnings = 20;
constexpr size_t kMaxPath = 4096;

/// What TensorRT warned of while an engine was loaded. Later warnings are not kept.
class Warnings {
 public:
  void Add(tensorrt::LogLevel level, const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (level == tensorrt::LogLevel::kWarning && lines_.size() < kMaxWarnings) lines_.push_back(line);
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// An engine with its contexts, on the way from the pool to JS.
struct Loaded {
  std::shared_ptr<Engine> engine;
  std::vector<std::shared_ptr<Execution>> contexts;
  std::vector<std::string> warnings;
};

Result<Loaded> Load(const std::string& path, int contexts, int dla_core) {
  const auto warnings = std::make_shared<Warnings>();
  Result<std::shared_ptr<Engine>> engine = Engine::Load(
      path, [warnings](tensorrt::LogLevel level, const std::string& line) { warnings->Add(level, line); }, dla_core);
  if (!engine.ok()) return engine.error();
  Loaded loaded{std::move(engine).value(), {}, {}};
  for (int i = 0; i < contexts; ++i) {
    Result<std::unique_ptr<Execution>> made = Execution::Make(loaded.engine);
    if (!made.ok()) return made.error();
    loaded.contexts.push_back(std::move(made).value());
  }
  loaded.warnings = warnings->lines();
  return loaded;
}

Napi::Value ToValue(Napi::Env env, Loaded loaded) {
  const tensorrt::Signature& signature = loaded.engine->signature();
  const Napi::Object object = Napi::Object::New(env);
  object.Set("inputWidth", signature.input_width);
  object.Set("inputHeight", signature.input_height);
  object.Set("classes", signature.classes);
  object.Set("metadata", loaded.engine->metadata());
  object.Set("graph", loaded.contexts.front()->uses_graph());
  const Napi::Array warnings = Napi::Array::New(env);
  for (uint32_t i = 0; i < loaded.warnings.size(); ++i) warnings.Set(i, loaded.warnings[i]);
  object.Set("warnings", warnings);
  const Napi::Array contexts = Napi::Array::New(env);
  for (uint32_t i = 0; i < loaded.contexts.size(); ++i) {
    contexts.Set(i, NativeContext::Make(env, std::move(loaded.contexts[i])));
  }
  object.Set("contexts", contexts);
  return object;
}

Napi::Value LoadEngine(const Napi::CallbackInfo& info) {
  const std::string path = ReadString(info[0], "path", kMaxPath);
  const int contexts = ReadInt(info[1], "contexts", 1, kMaxContexts);
  const int dla_core = ReadInt(info[2], "dlaCore", -1, kMaxDlaCore);
  return RunOnPool(
      info.Env(), "fastsamd.tensorrt.load", {}, [path, contexts, dla_core] { return Load(path, contexts, dla_core); },
      ToValue);
}

Napi::Value QueryPlatform(const Napi::CallbackInfo& info) {
  return RunOnPool(
      info.Env(), "fastsamd.tensorrt.platform", {},
      []() -> Result<cuda::Device> {
        // First TensorRT, whose absence is the plainer thing to say.
        if (Status loaded = tensorrt::LoadLibrary(); !loaded.ok()) return loaded.error();
        return cuda::QueryDevice();
      },
      [](Napi::Env env, const cuda::Device& device) -> Napi::Value {
        const int cuda = device.runtime_version;
        const Napi::Object object = Napi::Object::New(env);
        object.Set("tensorrt", tensorrt::LibraryVersion());
        object.Set("cuda", std::to_string(cuda / 1000) + "." + std::to_string(cuda % 1000 / 10));
        object.Set("device", device.name);
        object.Set("computeCapability",
                   std::to_string(device.compute_major) + "." + std::to_string(device.compute_minor));
        object.Set("multiprocessors", device.multiprocessors);
        object.Set("integrated", device.integrated);
        object.Set("freeBytes", static_cast<double>(device.free_bytes));
        object.Set("totalBytes", static_cast<double>(device.total_bytes));
        return object;
      });
}

/// A JS function called with what a builder reports, from whatever thread.
class Listener {
 public:
  Listener(Napi::Env env, Napi::Function function)
      : function_(Napi::ThreadSafeFunction::New(env, function, "fastsamd.tensorrt.build", 0, 1)) {}
  ~Listener() { function_.Release(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void Say(std::string kind, std::string text, int step, int steps) {
    function_.NonBlockingCall([=](Napi::Env env, const Napi::Function& function) {
      function.Call({Napi::String::New(env, kind), Napi::String::New(env, text), Napi::Number::New(env, step),
                     Napi::Number::New(env, steps)});
    });
  }

 private:
  Napi::ThreadSafeFunction function_;
};

const char* NameOf(tensorrt::LogLevel level) {
  switch (level) {
    case tensorrt::LogLevel::kError:
      return "error";
    case tensorrt::LogLevel::kWarning:
      return "warning";
    default:
      return "info";
  }
}

BuildRequest ReadRequest(Napi::Value value) {
  const Napi::Object object = ReadObject(value, "request");
  BuildRequest request;
  request.onnx_path = ReadString(object.Get("onnxPath"), "request.onnxPath", kMaxPath);
  request.plan_path = ReadString(object.Get("planPath"), "request.planPath", kMaxPath);
  request.precision =
      static_cast<Precision>(ReadChoice(object.Get("precision"), "request.precision", {"fp32", "fp16", "int8"}));
  request.input_width = ReadInt(object.Get("inputWidth"), "request.inputWidth", 32, kMaxSide);
  request.input_height = ReadInt(object.Get("inputHeight"), "request.inputHeight", 32, kMaxSide);
  request.workspace_bytes =
      static_cast<uint64_t>(ReadInteger(object.Get("workspaceBytes"), "request.workspaceBytes", 0, int64_t{1} << 40));
  request.dla_core = ReadInt(object.Get("dlaCore"), "request.dlaCore", -1, kMaxDlaCore);
  request.optimization_level = ReadInt(object.Get("optimizationLevel"), "request.optimizationLevel", 0, 5);
  request.timing_cache_path = ReadString(object.Get("timingCachePath"), "request.timingCachePath", kMaxPath);
  return request;
}

Napi::Value Build(const Napi::CallbackInfo& info) {
  const BuildRequest request = ReadRequest(info[0]);
  if (!info[1].IsFunction()) ThrowMisuse(info.Env(), "expected a function as onReport");
  const auto listener = std::make_shared<Listener>(info.Env(), info[1].As<Napi::Function>());
  return RunOnPool(
      info.Env(), "fastsamd.tensorrt.build", {},
      [request, listener] {
        return tensorrt::BuildEngine(
            request,
            [listener](tensorrt::LogLevel level, const std::string& line) { listener->Say(NameOf(level), line, 0, 0); },
            [listener](const std::string& phase, int step, int steps) {
              listener->Say("progress", phase, step, steps);
              return true;
            });
      },
      [](Napi::Env env, const BuildReport& report) -> Napi::Value {
        const Napi::Object object = Napi::Object::New(env);
        object.Set("planBytes", static_cast<double>(report.plan_bytes));
        object.Set("inputWidth", report.input_width);
        object.Set("inputHeight", report.input_height);
        return object;
      });
}

template <Napi::Value (*Verb)(const Napi::CallbackInfo&)>
Napi::Value Promised(const Napi::CallbackInfo& info) {
  return RejectWhatIsThrown(info.Env(), [&] { return Verb(info); });
}

}  // namespace

Napi::Object MakeTensorRt(Napi::Env env) {
  NativeContext::Define(env);
  const Napi::Object object = Napi::Object::New(env);
  object.Set("platform", Napi::Function::New<Promised<QueryPlatform>>(env));
  object.Set("load", Napi::Function::New<Promised<LoadEngine>>(env));
  object.Set("build", Napi::Function::New<Promised<Build>>(env));
  return object;
}

}  // namespace fastsamd::binding
