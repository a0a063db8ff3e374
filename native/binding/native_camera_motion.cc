#include "binding/native_camera_motion.h"

#include <utility>

#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/turn.h"
#include "binding/values.h"
#include "core/color.h"

namespace fastsamd::binding {

struct NativeCameraMotion::State {
  CameraMotionEstimator estimator;
  /// Only the JS thread reads and writes it.
  bool busy = false;
};

void NativeCameraMotion::Define(Napi::Env env) {
  const Napi::Function motion_class =
      DefineClass(env, "NativeCameraMotion", {InstanceMethod<&NativeCameraMotion::Next>("next")});
  Environment::Of(env).camera_motion_class = Napi::Persistent(motion_class);
}

Napi::Value NativeCameraMotion::Open(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env()).camera_motion_class.New({});
}

NativeCameraMotion::NativeCameraMotion(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<NativeCameraMotion>(info), state_(std::make_shared<State>()) {}

Napi::Value NativeCameraMotion::Next(const Napi::CallbackInfo& info) {
  return RejectWhatIsThrown(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    Pins pins = Pin(Value());
    const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
    if (const Status valid = Validate(pixels.view); !valid.ok()) Throw(env, valid.error());
    if (state_->busy) ThrowMisuse(env, "the estimator is at work; wait for its last frame");
    return RunOnPool(
        env, "fastsamd.cameraMotion", std::move(pins),
        [turn = std::make_shared<Turn<State>>(state_), pixels]() -> Result<CameraMotion> {
          try {
            return turn->state().estimator.Next(pixels.view);
          } catch (const std::bad_alloc&) {
            turn->state().estimator.Reset();
            CameraMotion unsure;
            unsure.sure = false;
            return unsure;
          }
        },
        [](Napi::Env settled, const CameraMotion& found) {
          const Affine& m = found.motion;
          const Napi::Object object = Napi::Object::New(settled);
          object.Set("affine", ToTypedArray<Napi::Float64Array>(
                                   settled, std::vector<double>{m.xx, m.xy, m.dx, m.yx, m.yy, m.dy}));
          object.Set("sure", found.sure);
          object.Set("points", found.points);
          object.Set("inliers", found.inliers);
          object.Set("sides", found.sides);
          return object;
        });
  });
}

}  // namespace fastsamd::binding
