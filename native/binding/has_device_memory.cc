#include "binding/job.h"
#include "binding/verbs.h"
#include "nvmm/libraries.h"

namespace fastsamd::binding {

Napi::Value HasDeviceMemory(const Napi::CallbackInfo& info) {
  return RunOnPool(
      info.Env(), "fastsamd.hasDeviceMemory", {}, []() -> Result<bool> { return nvmm::LoadSurfaceLibrary().ok(); },
      [](Napi::Env env, bool there) { return Napi::Boolean::New(env, there); });
}

}  // namespace fastsamd::binding
