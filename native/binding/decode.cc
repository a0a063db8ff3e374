#include "core/decode.h"

#include "binding/job.h"
#include "binding/native_segments.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/edges.h"

namespace fastsamd::binding {
namespace {

constexpr int kMaxAnchors = 1 << 24;
constexpr int kMaxClasses = 65536;

RawOutputs ReadOutputs(Napi::Value value, const Geometry& geometry, Pins& pins) {
  const Napi::Object object = ReadObject(value, "outputs");
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
  return outputs;
}

}  // namespace

Napi::Value Decode(const Napi::CallbackInfo& info) {
  Pins pins;
  const Geometry geometry = ReadGeometry(info[1], "geometry");
  const DecodeOptions options = ReadDecodeOptions(info[2], "options");
  const RawOutputs outputs = ReadOutputs(info[0], geometry, pins);
  return RunOnPool(
      info.Env(), "fastsamd.decode", std::move(pins),
      [outputs, geometry, options]() -> Result<OutgoingSegments> {
        Result<Segments> segments = fastsamd::Decode(outputs, geometry, options);
        if (!segments.ok()) return segments.error();
        return Outgoing(std::move(segments).value());
      },
      [](Napi::Env env, OutgoingSegments segments) { return ToObject(env, std::move(segments)); });
}

Napi::Value EdgeMap(const Napi::CallbackInfo& info) {
  Pins pins;
  const Geometry geometry = ReadGeometry(info[1], "geometry");
  const DecodeOptions options = ReadDecodeOptions(info[2], "options");
  const RawOutputs outputs = ReadOutputs(info[0], geometry, pins);
  const Napi::Object object = ReadObject(info[3], "edges");
  EdgeOptions edges;
  edges.boundary_only = ReadBoolean(object.Get("boundaryOnly"), "edges.boundaryOnly");
  edges.by_score = ReadBoolean(object.Get("byScore"), "edges.byScore");
  return RunOnPool(
      info.Env(), "fastsamd.edgeMap", std::move(pins),
      [outputs, geometry, options, edges] { return fastsamd::EdgeMap(outputs, geometry, options, edges); },
      [](Napi::Env env, std::vector<uint8_t> levels) {
        return ToTypedArray<Napi::Uint8Array>(env, std::move(levels));
      });
}

Napi::Value EdgeCrests(const Napi::CallbackInfo& info) {
  Pins pins;
  const int width = ReadInt(info[1], "width", 1, kMaxSide);
  const int height = ReadInt(info[2], "height", 1, kMaxSide);
  const size_t size = static_cast<size_t>(width) * static_cast<size_t>(height);
  const Span<uint8_t> levels = ReadBytes(info[0], "map", size, pins);
  return RunOnPool(
      info.Env(), "fastsamd.edgeCrests", std::move(pins),
      [levels, width, height]() -> Result<std::vector<uint8_t>> {
        return fastsamd::EdgeCrests({levels.data, levels.data + levels.size}, width, height);
      },
      [](Napi::Env env, std::vector<uint8_t> crests) {
        return ToTypedArray<Napi::Uint8Array>(env, std::move(crests));
      });
}

}  // namespace fastsamd::binding
