#include "binding/native_context.h"

#include <utility>

#include "binding/native_frame.h"
#include "binding/native_segments.h"
#include "binding/values.h"

namespace fastsamd::binding {
namespace {

constexpr int kMaxRuns = 1'000'000;

struct OutgoingFrame {
  OutgoingSegments segments;
  Geometry geometry;
  tensorrt::Timings timings;
  std::string copied_because;
};

Napi::Value ToValue(Napi::Env env, OutgoingFrame segmented) {
  const Napi::Object timings = Napi::Object::New(env);
  timings.Set("preprocess", segmented.timings.preprocess);
  timings.Set("infer", segmented.timings.infer);
  timings.Set("decode", segmented.timings.decode);
  const Napi::Object object = Napi::Object::New(env);
  object.Set("segments", ToObject(env, std::move(segmented.segments)));
  object.Set("geometry", ToObject(env, segmented.geometry));
  object.Set("timings", timings);
  if (!segmented.copied_because.empty()) object.Set("copiedBecause", segmented.copied_because);
  return object;
}

}  // namespace

thread_local std::shared_ptr<tensorrt::Execution>* NativeContext::ingredient_ = nullptr;

void NativeContext::Define(Napi::Env env) {
  const Napi::Function context_class =
      DefineClass(env, "TensorRtContext",
                  {InstanceMethod<&NativeContext::Promised<&NativeContext::Segment>>("segment"),
                   InstanceMethod<&NativeContext::Promised<&NativeContext::Measure>>("measure"),
                   InstanceMethod<&NativeContext::Promised<&NativeContext::Dispose>>("dispose")});
  Environment::Of(env).context_class = Napi::Persistent(context_class);
}

Napi::Object NativeContext::Make(Napi::Env env, std::shared_ptr<tensorrt::Execution> execution) {
  ingredient_ = &execution;
  return Environment::Of(env).context_class.New({});
}

NativeContext::NativeContext(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeContext>(info) {
  auto* execution = std::exchange(ingredient_, nullptr);
  if (execution == nullptr) ThrowMisuse(info.Env(), "a TensorRtContext is made by tensorrt.load");
  execution_ = std::move(*execution);
  const auto nothing = [] {};
  jobs_ = std::make_unique<JobThread>(info.Env(), "fastsamd.tensorrt", nothing, nothing);
}

void NativeContext::DemandOpen(Napi::Env env) const {
  if (!disposed_.IsEmpty()) ThrowMisuse(env, "the context was disposed of; load the engine again");
}

Napi::Promise NativeContext::Segment(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Pins pins = Pin(Value());
  const DecodeOptions options = ReadDecodeOptions(info[1], "options");
  const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  DemandOpen(env);
  auto job = MakeJob(
      env, std::move(pins),
      [execution = execution_, pixels, options]() -> Result<OutgoingFrame> {
        Result<tensorrt::Segmented> segmented = execution->Segment(pixels.view, options, pixels.device.get());
        if (!segmented.ok()) return segmented.error();
        tensorrt::Segmented frame = std::move(segmented).value();
        return OutgoingFrame{Outgoing(std::move(frame.segments)), frame.geometry, frame.timings,
                             std::move(frame.copied_because)};
      },
      ToValue);
  const Napi::Promise promise = job->promise();
  jobs_->Submit(std::move(job));
  return promise;
}

Napi::Promise NativeContext::Measure(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int runs = ReadInt(info[0], "runs", 1, kMaxRuns);
  DemandOpen(env);
  auto job = MakeJob(
      env, Pin(Value()), [execution = execution_, runs] { return execution->Measure(runs); },
      [](Napi::Env settled, std::vector<float> times) {
        return ToTypedArray<Napi::Float32Array>(settled, std::move(times));
      });
  const Napi::Promise promise = job->promise();
  jobs_->Submit(std::move(job));
  return promise;
}

Napi::Promise NativeContext::Dispose(const Napi::CallbackInfo& info) {
  if (!disposed_.IsEmpty()) return disposed_.Value();
  auto job = MakeJob(
      info.Env(), Pin(Value()),
      [execution = std::move(execution_)]() mutable -> Status {
        execution.reset();
        return Ok();
      },
      [](Napi::Env settled, std::monostate) -> Napi::Value { return settled.Undefined(); });
  const Napi::Promise promise = job->promise();
  disposed_ = Napi::Persistent(promise);
  jobs_->SubmitLast(std::move(job));
  return promise;
}

}  // namespace fastsamd::binding
