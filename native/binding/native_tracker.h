#pragma once

#include <napi.h>

#include <memory>

#include "core/track.h"

namespace fastsamd::binding {

/// The JS class behind `NativeTracker` of src/addon/track.ts: one update at a time, on the pool.
class NativeTracker : public Napi::ObjectWrap<NativeTracker> {
 public:
  static void Define(Napi::Env env);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  explicit NativeTracker(const Napi::CallbackInfo& info);

 private:
  Napi::Value Update(const Napi::CallbackInfo& info);
  Napi::Value Carry(const Napi::CallbackInfo& info);
  void Reset(const Napi::CallbackInfo& info);
  void DemandIdle(Napi::Env env) const;

  /// Shared with the job under way, which may outlive this object.
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fastsamd::binding
