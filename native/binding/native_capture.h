#pragma once

#include <napi.h>

#include <memory>

#include "binding/job_thread.h"
#include "capture/capture.h"

namespace fastsamd::binding {

/// The JS class behind `Capture` of src/addon/capture.ts: checks the order of calls and carries them onto a job thread.
class NativeCapture : public Napi::ObjectWrap<NativeCapture> {
 public:
  static void Define(Napi::Env env);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  explicit NativeCapture(const Napi::CallbackInfo& info);

 private:
  enum class Phase { kNew, kStarting, kStarted, kStopped };

  template <Napi::Promise (NativeCapture::*Method)(const Napi::CallbackInfo&)>
  Napi::Value Promised(const Napi::CallbackInfo& info) {
    return RejectWhatIsThrown(info.Env(), [&]() -> Napi::Value { return (this->*Method)(info); });
  }

  Napi::Promise Start(const Napi::CallbackInfo& info);
  Napi::Promise Read(const Napi::CallbackInfo& info);
  Napi::Promise Stop(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);

  std::shared_ptr<Capture> capture_;
  std::unique_ptr<JobThread> jobs_;
  Phase phase_ = Phase::kNew;
  Napi::Reference<Napi::Promise> stopped_;
};

}  // namespace fastsamd::binding
