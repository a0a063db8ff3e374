#include "binding/native_capture.h"

#include <utility>

#include "binding/native_frame.h"

namespace fastsamd::binding {
namespace {

Napi::Value ToValue(Napi::Env env, std::optional<CapturedFrame> captured) {
  if (!captured) return env.Null();
  MappedFrame& frame = captured->frame;
  const Napi::Object object = Napi::Object::New(env);
  object.Set("frame",
             NativeFrame::Make(env, {frame.view, std::move(frame.owner), frame.bytes, std::move(frame.device)}));
  object.Set("monotonicNs", Napi::BigInt::New(env, captured->monotonic_ns));
  object.Set("ptsNs", Napi::BigInt::New(env, captured->pts_ns));
  return object;
}

Napi::Promise Resolved(Napi::Env env, Napi::Value value) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Resolve(value);
  return deferred.Promise();
}

}  // namespace

void NativeCapture::Define(Napi::Env env) {
  const Napi::Function capture_class =
      DefineClass(env, "Capture",
                  {InstanceMethod<&NativeCapture::Promised<&NativeCapture::Start>>("start"),
                   InstanceMethod<&NativeCapture::Promised<&NativeCapture::Read>>("read"),
                   InstanceMethod<&NativeCapture::Promised<&NativeCapture::Stop>>("stop"),
                   InstanceMethod<&NativeCapture::Stats>("stats")});
  Environment::Of(env).capture_class = Napi::Persistent(capture_class);
}

Napi::Value NativeCapture::Open(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env()).capture_class.New({info[0]});
}

NativeCapture::NativeCapture(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeCapture>(info) {
  const Napi::Object object = ReadObject(info[0], "options");
  CaptureOptions options;
  options.pipeline = ReadString(object.Get("pipeline"), "options.pipeline", kMaxPipelineBytes);
  options.live = ReadBoolean(object.Get("live"), "options.live");
  options.start_timeout = ReadTimeout(object.Get("startTimeoutMs"), "options.startTimeoutMs");
  if (const Napi::Value start = object.Get("startAtMs"); !start.IsUndefined()) {
    options.start_at = ReadTimeout(start, "options.startAtMs");
  }
  if (const Napi::Value decoder = object.Get("decoder"); !decoder.IsUndefined()) {
    options.decoder = static_cast<DecoderChoice>(ReadChoice(decoder, "options.decoder", {"cpu", "auto", "hardware"}));
  }
  capture_ = std::make_shared<Capture>(std::move(options));
  jobs_ = std::make_unique<JobThread>(
      info.Env(), "fastsamd.capture", [capture = capture_] { capture->Interrupt(); },
      [capture = capture_] { capture->Stop(kTeardownTimeout); });
}

Napi::Promise NativeCapture::Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (phase_ != Phase::kNew) ThrowMisuse(env, "a capture starts once; open another one");
  auto job = MakeJob(
      env, Pin(Value()), [capture = capture_] { return capture->Start(); },
      [this](Napi::Env settled, std::monostate) -> Napi::Value {
        if (phase_ == Phase::kStarting) phase_ = Phase::kStarted;
        return settled.Undefined();
      });
  const Napi::Promise promise = job->promise();
  jobs_->Submit(std::move(job));
  phase_ = Phase::kStarting;
  return promise;
}

Napi::Promise NativeCapture::Read(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::chrono::milliseconds timeout = ReadTimeout(info[0], "timeoutMs");
  if (phase_ == Phase::kStopped) return Resolved(env, env.Null());
  if (phase_ != Phase::kStarted) ThrowMisuse(env, "read() comes after start() has resolved");
  if (jobs_->busy()) ThrowMisuse(env, "one read() at a time; await the one before");
  auto job = MakeJob(
      env, Pin(Value()), [capture = capture_, timeout] { return capture->Read(timeout); }, ToValue);
  const Napi::Promise promise = job->promise();
  jobs_->Submit(std::move(job));
  return promise;
}

Napi::Promise NativeCapture::Stop(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::chrono::milliseconds timeout = ReadTimeout(info[0], "timeoutMs");
  if (!stopped_.IsEmpty()) return stopped_.Value();
  const bool started = std::exchange(phase_, Phase::kStopped) != Phase::kNew;
  if (!started) {
    const Napi::Promise promise = Resolved(env, Napi::Boolean::New(env, true));
    stopped_ = Napi::Persistent(promise);
    return promise;
  }
  auto job = MakeJob(
      env, Pin(Value()), [capture = capture_, timeout]() -> Result<bool> { return capture->Stop(timeout); },
      [](Napi::Env settled, bool in_time) -> Napi::Value { return Napi::Boolean::New(settled, in_time); });
  const Napi::Promise promise = job->promise();
  stopped_ = Napi::Persistent(promise);
  capture_->Interrupt();
  jobs_->SubmitLast(std::move(job));
  return promise;
}

Napi::Value NativeCapture::Stats(const Napi::CallbackInfo& info) {
  const CaptureStats stats = capture_->stats();
  const Napi::Object object = Napi::Object::New(info.Env());
  object.Set("received", static_cast<double>(stats.received));
  object.Set("overwritten", static_cast<double>(stats.overwritten));
  object.Set("corrupt", static_cast<double>(stats.corrupt));
  object.Set("discarded", static_cast<double>(stats.discarded));
  object.Set("released", stats.released);
  return object;
}

}  // namespace fastsamd::binding
