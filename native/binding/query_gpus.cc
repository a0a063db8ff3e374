#include "binding/job.h"
#include "binding/verbs.h"
#include "nvml/nvml.h"

namespace fastsamd::binding {
namespace {

template <typename Number>
Napi::Value NumberOrNull(Napi::Env env, const std::optional<Number>& value) {
  if (!value) return env.Null();
  return Napi::Number::New(env, static_cast<double>(*value));
}

Napi::Value ToValue(Napi::Env env, const std::vector<nvml::Reading>& gpus) {
  const Napi::Array list = Napi::Array::New(env, gpus.size());
  for (uint32_t k = 0; k < gpus.size(); ++k) {
    const nvml::Reading& gpu = gpus[k];
    const Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", gpu.name);
    entry.Set("load", NumberOrNull(env, gpu.load));
    entry.Set("memoryUsedBytes", NumberOrNull(env, gpu.memory_used_bytes));
    entry.Set("memoryTotalBytes", NumberOrNull(env, gpu.memory_total_bytes));
    entry.Set("celsius", NumberOrNull(env, gpu.temperature_c));
    entry.Set("watts", NumberOrNull(env, gpu.power_w));
    entry.Set("mhz", NumberOrNull(env, gpu.clock_mhz));
    entry.Set("maxMhz", NumberOrNull(env, gpu.clock_max_mhz));
    list.Set(k, entry);
  }
  return list;
}

}  // namespace

Napi::Value QueryGpus(const Napi::CallbackInfo& info) {
  return RunOnPool(
      info.Env(), "fastsamd.queryGpus", {}, [] { return nvml::ReadGpus(); }, ToValue);
}

}  // namespace fastsamd::binding
