#include "binding/scene_options.h"

namespace fastsamd::binding {

bool ReadSwitch(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  return !value.IsUndefined() && ReadBoolean(value, name);
}

ViewOptions ReadView(const Napi::Object& options) {
  ViewOptions view;
  const Napi::Value bar = options.Get("bar");
  const Napi::Value light = options.Get("light");
  const Napi::Value camera = options.Get("camera");
  if (!bar.IsUndefined()) view.bar = ReadNumber(bar, "options.bar", 0.0, 10.0);
  if (!light.IsUndefined()) view.light = ReadNumber(light, "options.light", 0.0, 0.9);
  if (!camera.IsUndefined()) {
    // In the order of CameraMove.
    view.camera =
        static_cast<CameraMove>(ReadChoice(camera, "options.camera", {"fixed", "pan", "zoom", "shake", "yaw"}));
  }
  return view;
}

}  // namespace fastsamd::binding
