#include "binding/values.h"

#include <array>
#include <cmath>
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

/// Copied, as they are few and come long before they are used.
std::vector<CarryRequest> ReadCarry(Napi::Value value, const std::string& name) {
  const Napi::Object object = ReadObject(value, name.c_str());
  Pins pins;
  const Napi::Value ids_value = object.Get("ids");
  const Napi::Value boxes_value = object.Get("boxes");
  const Napi::Value coefficients_value = object.Get("coefficients");
  const Span<uint32_t> ids = ReadUint32s(ids_value, (name + ".ids").c_str(), kAnyLength, pins);
  if (ids.size > kMaxCarried) {
    ThrowMisuse(value.Env(), "expected at most " + std::to_string(kMaxCarried) + " masks in " + name);
  }
  const Span<float> boxes = ReadFloats(boxes_value, (name + ".boxes").c_str(), 4 * ids.size, pins);
  const Span<float> coefficients =
      ReadFloats(coefficients_value, (name + ".coefficients").c_str(), kCoefficients * ids.size, pins);
  std::vector<CarryRequest> requests(ids.size);
  for (size_t i = 0; i < ids.size; ++i) {
    requests[i].id = ids.data[i];
    for (size_t k = 0; k < 4; ++k) {
      requests[i].box[k] = boxes.data[4 * i + k];
      if (!std::isfinite(requests[i].box[k])) ThrowMisuse(value.Env(), "expected finite numbers in " + name + ".boxes");
    }
    std::memcpy(requests[i].coefficients.data(), coefficients.data + kCoefficients * i, kCoefficients * sizeof(float));
  }
  return requests;
}

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
  if (const Napi::Value coefficients = object.Get("coefficients"); !coefficients.IsUndefined()) {
    options.coefficients = ReadBoolean(coefficients, (std::string(name) + ".coefficients").c_str());
  }
  if (const Napi::Value carry = object.Get("carry"); !carry.IsUndefined()) {
    options.carry = ReadCarry(carry, std::string(name) + ".carry");
  }
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
  if (!segments.coefficients.empty()) {
    object.Set("coefficients", ToTypedArray<Napi::Float32Array>(env, std::move(segments.coefficients)));
  }
  if (!segments.carried.ids.empty()) {
    const Napi::Object carried = Napi::Object::New(env);
    carried.Set("ids", ToTypedArray<Napi::Uint32Array>(env, std::move(segments.carried.ids)));
    carried.Set("runs", ToTypedArray<Napi::Uint32Array>(env, std::move(segments.carried.runs)));
    carried.Set("offsets", ToTypedArray<Napi::Uint32Array>(env, std::move(segments.carried.offsets)));
    object.Set("carried", carried);
  }
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
  segments.coefficients.assign(coefficients.data, coefficients.data + coefficients.size);
  Carried& carried = segments.carried;
  carried.ids.assign(carried_ids.data, carried_ids.data + carried_ids.size);
  carried.offsets.assign(carried_offsets.data, carried_offsets.data + carried_offsets.size);
  carried.runs.resize(carried_runs.size / 2);
  if (!carried.runs.empty()) std::memcpy(carried.runs.data(), carried_runs.data, carried.runs.size() * sizeof(Run));
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
  const Napi::Value coefficients = object.Get("coefficients");
  const Napi::Value carried = object.Get("carried");
  Napi::Value carried_ids;
  Napi::Value carried_runs;
  Napi::Value carried_offsets;
  if (!carried.IsUndefined()) {
    const Napi::Object masks = ReadObject(carried, path("carried").c_str());
    carried_ids = masks.Get("ids");
    carried_runs = masks.Get("runs");
    carried_offsets = masks.Get("offsets");
  }
  if (!coefficients.IsUndefined()) {
    input.coefficients = ReadFloats(coefficients, path("coefficients").c_str(), kCoefficients * input.count, pins);
  }
  if (!carried.IsUndefined()) {
    input.carried_ids = ReadUint32s(carried_ids, path("carried.ids").c_str(), kAnyLength, pins);
    input.carried_runs = ReadUint32s(carried_runs, path("carried.runs").c_str(), kAnyLength, pins);
    input.carried_offsets =
        ReadUint32s(carried_offsets, path("carried.offsets").c_str(), input.carried_ids.size + 1, pins);
  }
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
