#include "binding/verbs.h"
#include "core/clock.h"

namespace fastsamd::binding {

Napi::Value ClockSynced(const Napi::CallbackInfo& info) {
  const std::optional<bool> synced = fastsamd::ClockSynced();
  if (!synced) return info.Env().Null();
  return Napi::Boolean::New(info.Env(), *synced);
}

}  // namespace fastsamd::binding
