#include "binding/native_video_writer.h"

#include <utility>

#include "core/image.h"

namespace fastsamd::binding {
namespace {

constexpr double kMinFps = 0.01;
constexpr double kMaxFps = 1000;
/// A year.
constexpr double kMaxPtsMs = 366 * 86'400e3;

Napi::Value ToUndefined(Napi::Env env, std::monostate) { return env.Undefined(); }

}  // namespace

void NativeVideoWriter::Define(Napi::Env env) {
  const Napi::Function writer_class =
      DefineClass(env, "VideoWriter",
                  {InstanceMethod<&NativeVideoWriter::Promised<&NativeVideoWriter::Start>>("start"),
                   InstanceMethod<&NativeVideoWriter::Promised<&NativeVideoWriter::Write>>("write"),
                   InstanceMethod<&NativeVideoWriter::Promised<&NativeVideoWriter::Finish>>("finish")});
  Environment::Of(env).video_writer_class = Napi::Persistent(writer_class);
}

Napi::Value NativeVideoWriter::Open(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env()).video_writer_class.New({info[0]});
}

NativeVideoWriter::NativeVideoWriter(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeVideoWriter>(info) {
  const Napi::Object object = ReadObject(info[0], "options");
  VideoWriterOptions options;
  options.pipeline = ReadString(object.Get("pipeline"), "options.pipeline", kMaxPipelineBytes);
  options.width = ReadInt(object.Get("width"), "options.width", 1, kMaxSide);
  options.height = ReadInt(object.Get("height"), "options.height", 1, kMaxSide);
  options.fps = ReadNumber(object.Get("fps"), "options.fps", kMinFps, kMaxFps);
  frame_bytes_ = size_t{3} * static_cast<size_t>(options.width) * static_cast<size_t>(options.height);
  writer_ = std::make_shared<VideoWriter>(std::move(options));
  jobs_ = std::make_unique<JobThread>(
      info.Env(), "fastsamd.videoWriter", [writer = writer_] { writer->Interrupt(); },
      [writer = writer_] { writer->Stop(kTeardownTimeout); });
}

Napi::Promise NativeVideoWriter::Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (phase_ != Phase::kNew) ThrowMisuse(env, "a video writer starts once; open another one");
  auto job = MakeJob(
      env, Pin(Value()), [writer = writer_] { return writer->Start(); },
      [this](Napi::Env settled, std::monostate) -> Napi::Value {
        phase_ = Phase::kStarted;
        return settled.Undefined();
      });
  const Napi::Promise promise = job->promise();
  jobs_->Submit(std::move(job));
  phase_ = Phase::kStarting;
  return promise;
}

Napi::Promise NativeVideoWriter::Write(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Pins pins = Pin(Value());
  const Span<uint8_t> rgb = ReadBytes(info[0], "rgb", frame_bytes_, pins);
  const auto pts_ns = static_cast<int64_t>(ReadNumber(info[1], "ptsMs", 0, kMaxPtsMs) * 1e6);
  if (phase_ != Phase::kStarted) ThrowMisuse(env, "write() comes after start() has resolved and before finish()");
  if (jobs_->busy()) ThrowMisuse(env, "one write() at a time; await the one before");
  auto job = MakeJob(
      env, std::move(pins), [writer = writer_, rgb, pts_ns] { return writer->Write(rgb.data, pts_ns); }, ToUndefined);
  const Napi::Promise promise = job->promise();
  jobs_->Submit(std::move(job));
  return promise;
}

Napi::Promise NativeVideoWriter::Finish(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::chrono::milliseconds timeout = ReadTimeout(info[0], "timeoutMs");
  if (phase_ == Phase::kNew || phase_ == Phase::kFinished) ThrowMisuse(env, "finish() comes once, after start()");
  if (jobs_->busy()) ThrowMisuse(env, "finish() comes after the last write() has resolved");
  auto job = MakeJob(
      env, Pin(Value()), [writer = writer_, timeout] { return writer->Finish(timeout); }, ToUndefined);
  const Napi::Promise promise = job->promise();
  jobs_->SubmitLast(std::move(job));
  phase_ = Phase::kFinished;
  return promise;
}

}  // namespace fastsamd::binding
