#include "binding/drawn_scene.h"
#include "binding/scene_options.h"
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
  if (!object.Get("lanes").IsUndefined()) {
    options.lanes = ReadInt(object.Get("lanes"), "options.lanes", 1, kMaxPlateLanes);
  }
  options.view = ReadView(object);
  return options;
}

void Describe(Napi::Object object, const ConveyorInstance& instance) {
  object.Set("part", kParts[static_cast<size_t>(instance.part)]);
  object.Set("defect", kDefects[static_cast<size_t>(instance.defect)]);
}

}  // namespace

Napi::Value RenderConveyor(const Napi::CallbackInfo& info) {
  return DrawScene(info.Env(), "fastsamd.renderConveyor", ReadIndex(info[0]), ReadOptions(info[1]),
                   fastsamd::RenderConveyor);
}

Napi::Value ConveyorTruth(const Napi::CallbackInfo& info) {
  return DrawTruth(info.Env(), "fastsamd.conveyorTruth", ReadIndex(info[0]), ReadOptions(info[1]),
                   fastsamd::RenderConveyor, Describe);
}

}  // namespace fastsamd::binding
