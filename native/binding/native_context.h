#pragma once

#include <napi.h>

#include <memory>

#include "binding/job_thread.h"
#include "tensorrt/execution.h"

namespace fastsamd::binding {

/// The JS class behind `TensorRtContext` of src/addon/tensorrt.ts: an execution context with its own thread, so
/// that waiting for the GPU blocks no other work.
class NativeContext : public Napi::ObjectWrap<NativeContext> {
 public:
  static void Define(Napi::Env env);
  static Napi::Object Make(Napi::Env env, std::shared_ptr<tensorrt::Execution> execution);

  explicit NativeContext(const Napi::CallbackInfo& info);

 private:
  /// The constructor's argument, handed over aside because JS must not be able to make it up.
  static thread_local std::shared_ptr<tensorrt::Execution>* ingredient_;

  template <Napi::Promise (NativeContext::*Method)(const Napi::CallbackInfo&)>
  Napi::Value Promised(const Napi::CallbackInfo& info) {
    return RejectWhatIsThrown(info.Env(), [&]() -> Napi::Value { return (this->*Method)(info); });
  }

  Napi::Promise Segment(const Napi::CallbackInfo& info);
  Napi::Promise Measure(const Napi::CallbackInfo& info);
  Napi::Promise Dispose(const Napi::CallbackInfo& info);
  void DemandOpen(Napi::Env env) const;

  /// Owned by the jobs under way as well: freed by the last of them, on the job thread.
  std::shared_ptr<tensorrt::Execution> execution_;
  std::unique_ptr<JobThread> jobs_;
  Napi::Reference<Napi::Promise> disposed_;
};

}  // namespace fastsamd::binding
