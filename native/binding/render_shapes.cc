#include "binding/drawn_scene.h"
#include "binding/scene_options.h"
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

void Describe(Napi::Object object, const ShapesInstance& instance) {
  if (instance.parent >= 0) object.Set("parent", instance.parent);
}

int ReadIndex(Napi::Value value) { return ReadInt(value, "index", 0, INT32_MAX); }

}  // namespace

Napi::Value RenderShapes(const Napi::CallbackInfo& info) {
  return DrawScene(info.Env(), "fastsamd.renderShapes", ReadIndex(info[0]), ReadOptions(info[1]),
                   fastsamd::RenderShapes);
}

Napi::Value ShapesTruth(const Napi::CallbackInfo& info) {
  return DrawTruth(info.Env(), "fastsamd.shapesTruth", ReadIndex(info[0]), ReadOptions(info[1]), fastsamd::RenderShapes,
                   Describe);
}

}  // namespace fastsamd::binding
