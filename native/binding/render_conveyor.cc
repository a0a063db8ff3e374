#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/scene_options.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "scenes/conveyor.h"

namespace fastsamd::binding {
namespace {

// In the order of PartClass and PartDefect.
constexpr const char* kParts[] = {"washer", "nut", "bracket", "bolt", "plate"};
constexpr const char* kDefects[] = {"none", "missing-hole", "bent", "scratch"};

int ReadIndex(Napi::Value value) { return ReadInt(value, "index", 0, INT32_MAX); }

ConveyorOptions ReadOptions(Napi::Value value) {
  const Napi::Object object = ReadObject(value, "options");
  ConveyorOptions options;
  options.width = ReadInt(object.Get("width"), "options.width", 1, kMaxSide);
  options.height = ReadInt(object.Get("height"), "options.height", 1, kMaxSide);
  options.fps = ReadNumber(object.Get("fps"), "options.fps", 0.01, 1e6);
  options.seed = static_cast<uint32_t>(ReadInteger(object.Get("seed"), "options.seed", 0, UINT32_MAX));
  options.plates = ReadSwitch(object, "plates");
  options.view = ReadView(object);
  return options;
}

std::vector<uint8_t> RgbBuffer(const ConveyorOptions& options) {
  return std::vector<uint8_t>(size_t{3} * static_cast<size_t>(options.width) * static_cast<size_t>(options.height));
}

Napi::Object ToObject(Napi::Env env, const ConveyorInstance& instance) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("id", static_cast<double>(instance.id));
  object.Set("part", kParts[static_cast<size_t>(instance.part)]);
  object.Set("defect", kDefects[static_cast<size_t>(instance.defect)]);
  const Napi::Array box = Napi::Array::New(env, 4);
  const int sides[] = {instance.x0, instance.y0, instance.x1, instance.y1};
  for (uint32_t i = 0; i < 4; ++i) box.Set(i, sides[i]);
  object.Set("box", box);
  object.Set("visiblePixels", instance.visible_pixels);
  object.Set("visibleFraction", instance.visible_fraction);
  return object;
}

}  // namespace

Napi::Value RenderConveyor(const Napi::CallbackInfo& info) {
  const int index = ReadIndex(info[0]);
  const ConveyorOptions options = ReadOptions(info[1]);
  return RunOnPool(
      info.Env(), "fastsamd.renderConveyor", {},
      [=]() -> Result<Pixels> {
        std::vector<uint8_t> rgb = RgbBuffer(options);
        fastsamd::RenderConveyor(index, options, rgb.data(), nullptr);
        return OwnRgb(std::move(rgb), options.width, options.height);
      },
      [](Napi::Env env, Pixels pixels) { return NativeFrame::Make(env, std::move(pixels)); });
}

Napi::Value ConveyorTruth(const Napi::CallbackInfo& info) {
  const int index = ReadIndex(info[0]);
  const ConveyorOptions options = ReadOptions(info[1]);
  return RunOnPool(
      info.Env(), "fastsamd.conveyorTruth", {},
      [=]() -> Result<fastsamd::ConveyorTruth> {
        std::vector<uint8_t> rgb = RgbBuffer(options);
        fastsamd::ConveyorTruth truth;
        fastsamd::RenderConveyor(index, options, rgb.data(), &truth);
        return truth;
      },
      [](Napi::Env env, fastsamd::ConveyorTruth truth) {
        const Napi::Object object = Napi::Object::New(env);
        object.Set("labels", ToTypedArray<Napi::Uint16Array>(env, std::move(truth.labels)));
        const Napi::Array instances = Napi::Array::New(env, truth.instances.size());
        for (uint32_t i = 0; i < truth.instances.size(); ++i) instances.Set(i, ToObject(env, truth.instances[i]));
        object.Set("instances", instances);
        return object;
      });
}

}  // namespace fastsamd::binding
