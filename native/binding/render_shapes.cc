#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/scene_options.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "scenes/shapes.h"

namespace fastsamd::binding {
namespace {

ShapesOptions ReadOptions(Napi::Value value) {
  const Napi::Object object = ReadObject(value, "options");
  ShapesOptions options;
  options.width = ReadInt(object.Get("width"), "options.width", 1, kMaxSide);
  options.height = ReadInt(object.Get("height"), "options.height", 1, kMaxSide);
  options.seed = static_cast<uint32_t>(ReadInteger(object.Get("seed"), "options.seed", 0, UINT32_MAX));
  options.twins = ReadSwitch(object, "twins");
  options.leave = ReadSwitch(object, "leave");
  options.pieces = ReadSwitch(object, "pieces");
  options.view = ReadView(object);
  return options;
}

std::vector<uint8_t> RgbBuffer(const ShapesOptions& options) {
  return std::vector<uint8_t>(size_t{3} * static_cast<size_t>(options.width) * static_cast<size_t>(options.height));
}

Napi::Object ToObject(Napi::Env env, const ShapesInstance& instance) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("id", instance.id);
  if (instance.parent >= 0) object.Set("parent", instance.parent);
  const Napi::Array box = Napi::Array::New(env, 4);
  const int sides[] = {instance.x0, instance.y0, instance.x1, instance.y1};
  for (uint32_t i = 0; i < 4; ++i) box.Set(i, sides[i]);
  object.Set("box", box);
  object.Set("visiblePixels", instance.visible_pixels);
  object.Set("visibleFraction", instance.visible_fraction);
  return object;
}

}  // namespace

Napi::Value RenderShapes(const Napi::CallbackInfo& info) {
  const int index = ReadInt(info[0], "index", 0, INT32_MAX);
  const ShapesOptions options = ReadOptions(info[1]);
  return RunOnPool(
      info.Env(), "fastsamd.renderShapes", {},
      [=]() -> Result<Pixels> {
        std::vector<uint8_t> rgb = RgbBuffer(options);
        fastsamd::RenderShapes(index, options, rgb.data(), nullptr);
        return OwnRgb(std::move(rgb), options.width, options.height);
      },
      [](Napi::Env env, Pixels pixels) { return NativeFrame::Make(env, std::move(pixels)); });
}

Napi::Value ShapesTruth(const Napi::CallbackInfo& info) {
  const int index = ReadInt(info[0], "index", 0, INT32_MAX);
  const ShapesOptions options = ReadOptions(info[1]);
  return RunOnPool(
      info.Env(), "fastsamd.shapesTruth", {},
      [=]() -> Result<fastsamd::ShapesTruth> {
        std::vector<uint8_t> rgb = RgbBuffer(options);
        fastsamd::ShapesTruth truth;
        fastsamd::RenderShapes(index, options, rgb.data(), &truth);
        return truth;
      },
      [](Napi::Env env, fastsamd::ShapesTruth truth) {
        const Napi::Object object = Napi::Object::New(env);
        object.Set("labels", ToTypedArray<Napi::Uint16Array>(env, std::move(truth.labels)));
        const Napi::Array instances = Napi::Array::New(env, truth.instances.size());
        for (uint32_t i = 0; i < truth.instances.size(); ++i) instances.Set(i, ToObject(env, truth.instances[i]));
        object.Set("instances", instances);
        return object;
      });
}

}  // namespace fastsamd::binding
