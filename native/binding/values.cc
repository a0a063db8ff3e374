#include "binding/values.h"

#include <array>
#include <string>

namespace fastsamd::binding {
namespace {

struct GeometryField {
  const char* name;
  int Geometry::*member;
  int min;
};

constexpr std::array kGeometryFields{
    GeometryField{"frameWidth", &Geometry::frame_width, 1},
    GeometryField{"frameHeight", &Geometry::frame_height, 1},
    GeometryField{"inputWidth", &Geometry::input_width, 1},
    GeometryField{"inputHeight", &Geometry::input_height, 1},
    GeometryField{"contentWidth", &Geometry::content_width, 1},
    GeometryField{"contentHeight", &Geometry::content_height, 1},
    GeometryField{"left", &Geometry::left, 0},
    GeometryField{"top", &Geometry::top, 0},
};

/// Most objects that segments from outside may hold.
constexpr int64_t kMaxObjects = 1'000'000;
/// Most objects that may be asked for.
constexpr int kMaxDet = 100'000;

}  // namespace

Napi::Object ToObject(Napi::Env env, const Geometry& geometry) {
  const Napi::Object object = Napi::Object::New(env);
  for (const GeometryField& field : kGeometryFields) object.Set(field.name, geometry.*field.member);
  return object;
}

Geometry ReadGeometry(Napi::Value value, const char* name) {
  const Napi::Object object = ReadObject(value, name);
  Geometry geometry;
  for (const GeometryField& field : kGeometryFields) {
    const std::string path = std::string(name) + "." + field.name;
    geometry.*field.member = ReadInt(object.Get(field.name), path.c_str(), field.min, kMaxSide);
  }
  return geometry;
}

DecodeOptions ReadDecodeOptions(Napi::Value value, const char* name) {
  const Napi::Object object = ReadObject(value, name);
  const auto number = [&](const char* member, double max) {
    const std::string path = std::string(name) + "." + member;
    return static_cast<float>(ReadNumber(object.Get(member), path.c_str(), 0, max));
  };
  DecodeOptions options;
  options.conf = number("conf", 1);
  options.iou = number("iou", 1);
  options.max_det = ReadInt(object.Get("maxDet"), (std::string(name) + ".maxDet").c_str(), 1, kMaxDet);
  options.snap_to_border = number("snapToBorder", kMaxSide);
  return options;
}

Napi::Object ToObject(Napi::Env env, Segments segments) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("count", static_cast<double>(segments.count()));
  object.Set("width", segments.width);
  object.Set("height", segments.height);
  object.Set("boxes", ToTypedArray<Napi::Float32Array>(env, std::move(segments.boxes)));
  object.Set("scores", ToTypedArray<Napi::Float32Array>(env, std::move(segments.scores)));
  object.Set("classes", ToTypedArray<Napi::Int32Array>(env, std::move(segments.classes)));
  object.Set("areas", ToTypedArray<Napi::Uint32Array>(env, std::move(segments.areas)));
  object.Set("runs", ToTypedArray<Napi::Uint32Array>(env, std::move(segments.runs)));
  object.Set("offsets", ToTypedArray<Napi::Uint32Array>(env, std::move(segments.offsets)));
  return object;
}

Result<Segments> SegmentsInput::Copy() const {
  Segments segments;
  segments.width = width;
  segments.height = height;
  segments.boxes.assign(boxes.data, boxes.data + boxes.size);
  segments.scores.assign(scores.data, scores.data + scores.size);
  segments.classes.assign(classes.data, classes.data + classes.size);
  segments.areas.assign(areas.data, areas.data + areas.size);
  segments.offsets.assign(offsets.data, offsets.data + offsets.size);
  segments.runs.resize(runs.size / 2);
  if (!segments.runs.empty()) std::memcpy(segments.runs.data(), runs.data, segments.runs.size() * sizeof(Run));
  if (const Status valid = Validate(segments); !valid.ok()) return valid.error();
  return segments;
}

SegmentsInput ReadSegments(Napi::Value value, const char* name, Pins& pins) {
  const Napi::Object object = ReadObject(value, name);
  const std::string prefix = std::string(name) + ".";
  const auto path = [&prefix](const char* member) { return prefix + member; };
  SegmentsInput input;
  input.width = ReadInt(object.Get("width"), path("width").c_str(), 1, kMaxSide);
  input.height = ReadInt(object.Get("height"), path("height").c_str(), 1, kMaxSide);
  input.count = static_cast<size_t>(ReadInteger(object.Get("count"), path("count").c_str(), 0, kMaxObjects));
  // All members first: a getter that detaches an array must not run after its memory has been looked at.
  const Napi::Value boxes = object.Get("boxes");
  const Napi::Value scores = object.Get("scores");
  const Napi::Value classes = object.Get("classes");
  const Napi::Value areas = object.Get("areas");
  const Napi::Value runs = object.Get("runs");
  const Napi::Value offsets = object.Get("offsets");
  input.boxes = ReadFloats(boxes, path("boxes").c_str(), 4 * input.count, pins);
  input.scores = ReadFloats(scores, path("scores").c_str(), input.count, pins);
  input.classes = ReadInt32s(classes, path("classes").c_str(), input.count, pins);
  input.areas = ReadUint32s(areas, path("areas").c_str(), input.count, pins);
  input.offsets = ReadUint32s(offsets, path("offsets").c_str(), input.count + 1, pins);
  input.runs = ReadUint32s(runs, path("runs").c_str(), kAnyLength, pins);
  if (input.runs.size != 2 * size_t{input.offsets.data[input.count]}) {
    ThrowMisuse(value.Env(), "expected 2 elements of " + path("runs") + " per run that " + path("offsets") + " counts");
  }
  return input;
}

std::vector<uint32_t> ReadIndices(Napi::Value value, const char* name, size_t count) {
  Pins pins;
  const Span<uint32_t> span = ReadUint32s(value, name, kAnyLength, pins);
  if (span.size > count) {
    ThrowMisuse(value.Env(), std::string("expected at most ") + std::to_string(count) + " elements in " + name);
  }
  std::vector<uint32_t> indices(span.data, span.data + span.size);
  for (const uint32_t index : indices) {
    if (index >= count) {
      ThrowMisuse(value.Env(), std::string("expected ") + name + " below " + std::to_string(count) + ", got " +
                                   std::to_string(index));
    }
  }
  return indices;
}

}  // namespace fastsamd::binding
