#pragma once

#include <napi.h>

#include <memory>

#include "eval/detection_list.h"

namespace fastsamd::binding {

/// The JS class behind `NativeDetectionReader` of src/addon/detections.ts: one piece at a time, on the pool.
class NativeDetectionReader : public Napi::ObjectWrap<NativeDetectionReader> {
 public:
  static void Define(Napi::Env env);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  explicit NativeDetectionReader(const Napi::CallbackInfo& info);

 private:
  Napi::Value Push(const Napi::CallbackInfo& info);
  void Finish(const Napi::CallbackInfo& info);

  /// Shared with the job under way, which may outlive this object.
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fastsamd::binding
