#include "binding/environment.h"

#include <string>

namespace fastsamd::binding {
namespace {

/// The names of src/errors.ts.
const char* NameOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMisuse:
      return "MISUSE";
    case ErrorCode::kPromptInvalid:
      return "PROMPT_INVALID";
    case ErrorCode::kDatasetInvalid:
      return "DATASET_INVALID";
    case ErrorCode::kSourceNotFound:
      return "SOURCE_NOT_FOUND";
    case ErrorCode::kSourceUnsupported:
      return "SOURCE_UNSUPPORTED";
    case ErrorCode::kSourceCorrupt:
      return "SOURCE_CORRUPT";
    case ErrorCode::kSourceLost:
      return "SOURCE_LOST";
    case ErrorCode::kSourceTimeout:
      return "SOURCE_TIMEOUT";
    case ErrorCode::kOutputUnwritable:
      return "OUTPUT_UNWRITABLE";
    case ErrorCode::kModelCorrupt:
      return "MODEL_CORRUPT";
    case ErrorCode::kEngineUnavailable:
      return "ENGINE_UNAVAILABLE";
    case ErrorCode::kEngineFailed:
      return "ENGINE_FAILED";
    case ErrorCode::kEngineLost:
      return "ENGINE_LOST";
    case ErrorCode::kEngineStale:
      return "ENGINE_STALE";
    case ErrorCode::kEngineCorrupt:
      return "ENGINE_CORRUPT";
    case ErrorCode::kModelUnsupported:
      return "MODEL_UNSUPPORTED";
    case ErrorCode::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case ErrorCode::kInternal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

}  // namespace

Environment& Environment::Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

Napi::Error ToJsError(Napi::Env env, const Error& error) {
  const Napi::String code = Napi::String::New(env, NameOf(error.code));
  const Napi::FunctionReference& error_class = Environment::Of(env).error_class;
  if (!error_class.IsEmpty()) {
    const Napi::Value instance = error_class.New({code, Napi::String::New(env, error.message)});
    return {env, instance};
  }
  Napi::Error plain = Napi::Error::New(env, error.message);
  plain.Set("code", code);
  return plain;
}

void Throw(Napi::Env env, const Error& error) { throw ToJsError(env, error); }

void ThrowMisuse(Napi::Env env, const std::string& message) { Throw(env, {ErrorCode::kMisuse, message}); }

void SetErrorClass(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) ThrowMisuse(info.Env(), "expected a class as errorClass");
  Environment::Of(info.Env()).error_class = Napi::Persistent(info[0].As<Napi::Function>());
}

}  // namespace fastsamd::binding
