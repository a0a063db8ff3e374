#pragma once

#include <napi.h>

#include <memory>

#include "core/result.h"

namespace fastsamd::binding {

/// What one JS environment (the main thread or a worker) owns; freed with it.
struct Environment {
  Napi::FunctionReference error_class;
  Napi::FunctionReference frame_class;
  Napi::FunctionReference capture_class;
  Napi::FunctionReference context_class;
  Napi::FunctionReference tracker_class;
  Napi::FunctionReference camera_motion_class;
  Napi::FunctionReference detection_reader_class;
  Napi::FunctionReference video_writer_class;

  static Environment& Of(Napi::Env env);
};

/// An instance of the error class handed in by `setErrorClass` (before that, an Error with a `code`).
Napi::Error ToJsError(Napi::Env env, const Error& error);

[[noreturn]] void Throw(Napi::Env env, const Error& error);
/// Throws MISUSE: the caller passed something the documentation forbids.
[[noreturn]] void ThrowMisuse(Napi::Env env, const std::string& message);

/// Takes the JS class whose instances native errors become: `new errorClass(code, message)`.
void SetErrorClass(const Napi::CallbackInfo& info);

}  // namespace fastsamd::binding
