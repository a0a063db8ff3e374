#include "binding/job.h"
#include "binding/verbs.h"
#include "capture/gstreamer.h"

namespace fastsamd::binding {
namespace {

constexpr size_t kMaxName = 256;

}  // namespace

Napi::Value HasGstElement(const Napi::CallbackInfo& info) {
  const std::string name = ReadString(info[0], "name", kMaxName);
  // On the pool: the first call reads the plugin registry, and may scan all plugins for it.
  return RunOnPool(
      info.Env(), "fastsamd.hasGstElement", {}, [name] { return HasElement(name); },
      [](Napi::Env env, bool there) { return Napi::Boolean::New(env, there); });
}

}  // namespace fastsamd::binding
