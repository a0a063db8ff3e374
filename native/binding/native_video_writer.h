#pragma once

#include <napi.h>

#include <memory>

#include "binding/job_thread.h"
#include "capture/video_writer.h"

namespace fastsamd::binding {

/// The JS class behind `VideoWriter` of src/addon/capture.ts: checks the order of calls and carries them onto a job
/// thread.
class NativeVideoWriter : public Napi::ObjectWrap<NativeVideoWriter> {
 public:
  static void Define(Napi::Env env);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  explicit NativeVideoWriter(const Napi::CallbackInfo& info);

 private:
  enum class Phase { kNew, kStarting, kStarted, kFinished };

  template <Napi::Promise (NativeVideoWriter::*Method)(const Napi::CallbackInfo&)>
  Napi::Value Promised(const Napi::CallbackInfo& info) {
    return RejectWhatIsThrown(info.Env(), [&]() -> Napi::Value { return (this->*Method)(info); });
  }

  Napi::Promise Start(const Napi::CallbackInfo& info);
  Napi::Promise Write(const Napi::CallbackInfo& info);
  Napi::Promise Finish(const Napi::CallbackInfo& info);

  std::shared_ptr<VideoWriter> writer_;
  std::unique_ptr<JobThread> jobs_;
  size_t frame_bytes_ = 0;
  Phase phase_ = Phase::kNew;
};

}  // namespace fastsamd::binding
