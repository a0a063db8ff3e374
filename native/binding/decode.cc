#include "core/decode.h"

#include "binding/job.h"
#include "binding/values.h"
#include "binding/verbs.h"

namespace fastsamd::binding {
namespace {

constexpr int kMaxAnchors = 1 << 24;
constexpr int kMaxClasses = 65536;

}  // namespace

Napi::Value Decode(const Napi::CallbackInfo& info) {
  Pins pins;
  const Napi::Object object = ReadObject(info[0], "outputs");
  const Geometry geometry = ReadGeometry(info[1], "geometry");
  const DecodeOptions options = ReadDecodeOptions(info[2], "options");

  RawOutputs outputs;
  outputs.anchors = ReadInt(object.Get("anchors"), "outputs.anchors", 1, kMaxAnchors);
  outputs.classes = ReadInt(object.Get("classes"), "outputs.classes", 1, kMaxClasses);
  const size_t rows = 4 + static_cast<size_t>(outputs.classes) + kMaskChannels;
  const size_t proto_cells =
      static_cast<size_t>(geometry.input_width / 4) * static_cast<size_t>(geometry.input_height / 4);
  // Both members first: a getter that detaches an array must not run after its memory has been looked at.
  const Napi::Value detections = object.Get("detections");
  const Napi::Value proto = object.Get("proto");
  outputs.detections =
      ReadFloats(detections, "outputs.detections", rows * static_cast<size_t>(outputs.anchors), pins).data;
  outputs.proto = ReadFloats(proto, "outputs.proto", kMaskChannels * proto_cells, pins).data;
  return RunOnPool(
      info.Env(), "fastsamd.decode", std::move(pins),
      [outputs, geometry, options] { return fastsamd::Decode(outputs, geometry, options); },
      [](Napi::Env env, Segments segments) { return ToObject(env, std::move(segments)); });
}

}  // namespace fastsamd::binding
