#pragma once

#include <napi.h>

#include <memory>

#include "core/camera_motion.h"

namespace fastsamd::binding {

/// The JS class behind `NativeCameraMotion` of src/addon/track.ts: one call at a time, on the pool.
class NativeCameraMotion : public Napi::ObjectWrap<NativeCameraMotion> {
 public:
  static void Define(Napi::Env env);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  explicit NativeCameraMotion(const Napi::CallbackInfo& info);

 private:
  Napi::Value Next(const Napi::CallbackInfo& info);

  /// Shared with the job under way, which may outlive this object.
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fastsamd::binding
