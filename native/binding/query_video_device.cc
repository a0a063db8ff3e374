#include "binding/job.h"
#include "binding/verbs.h"
#include "v4l2/devices.h"

namespace fastsamd::binding {
namespace {

constexpr size_t kMaxPath = 4096;

Napi::Value ToValue(Napi::Env env, const VideoDevice& device) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("path", device.path);
  object.Set("name", device.name);
  object.Set("driver", device.driver);
  object.Set("bus", device.bus);
  const Napi::Array modes = Napi::Array::New(env, device.modes.size());
  for (uint32_t k = 0; k < device.modes.size(); ++k) {
    const VideoMode& mode = device.modes[k];
    const Napi::Object entry = Napi::Object::New(env);
    entry.Set("format", mode.format);
    entry.Set("width", mode.width);
    entry.Set("height", mode.height);
    entry.Set("fps", mode.fps);
    modes.Set(k, entry);
  }
  object.Set("modes", modes);
  return object;
}

}  // namespace

Napi::Value QueryVideoDevice(const Napi::CallbackInfo& info) {
  const std::string path = ReadString(info[0], "path", kMaxPath);
  return RunOnPool(
      info.Env(), "fastsamd.queryVideoDevice", {}, [path] { return OpenAndQueryVideoDevice(path); }, ToValue);
}

}  // namespace fastsamd::binding
