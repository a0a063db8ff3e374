#include "binding/native_segments.h"

#include <cstring>
#include <string>
#include <utility>

#include "binding/values.h"
#include "core/image.h"

namespace fastsamd::binding {
namespace {

constexpr napi_type_tag kSegmentsTag = {0x3c85e0b7a94d4f16ULL, 0xb1d97e02c6fa4835ULL};

/// Most objects that segments from outside may hold.
constexpr int64_t kMaxObjects = 1'000'000;

size_t BytesOf(const Segments& segments) {
  const Carried& carried = segments.carried;
  return (segments.boxes.size() + segments.scores.size() + segments.coefficients.size()) * sizeof(float) +
         segments.classes.size() * sizeof(int32_t) +
         (segments.areas.size() + segments.offsets.size() + carried.ids.size() + carried.offsets.size()) *
             sizeof(uint32_t) +
         (segments.runs.size() + carried.runs.size()) * sizeof(Run);
}

/// Ties native segments to a JS object, for as long as that lives. V8 is told of their size, so that it collects in
/// time.
void Attach(Napi::Env env, Napi::Object object, SharedSegments segments) {
  const auto bytes = static_cast<int64_t>(BytesOf(*segments));
  auto* held = new SharedSegments(std::move(segments));
  const auto free_held = [](napi_env finalized, void* data, void*) {
    auto* freed = static_cast<SharedSegments*>(data);
    Napi::MemoryManagement::AdjustExternalMemory(finalized, -static_cast<int64_t>(BytesOf(**freed)));
    delete freed;
  };
  if (napi_wrap(env, object, held, free_held, nullptr, nullptr) != napi_ok) {
    delete held;
    throw Napi::Error::New(env);
  }
  object.TypeTag(&kSegmentsTag);
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
}

/// The native segments of an object with the tag.
SharedSegments Attached(const Napi::Object& object) {
  void* held = nullptr;
  if (napi_unwrap(object.Env(), object, &held) != napi_ok) throw Napi::Error::New(object.Env());
  return *static_cast<SharedSegments*>(held);
}

}  // namespace

OutgoingSegments Outgoing(Segments segments) {
  Segments copy = segments;
  return {std::make_shared<const Segments>(std::move(segments)), std::move(copy)};
}

Napi::Object ToObject(Napi::Env env, OutgoingSegments outgoing) {
  Segments& segments = outgoing.copy;
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
  Attach(env, object, std::move(outgoing.shared));
  object.Freeze();
  return object;
}

Result<SharedSegments> SegmentsInput::Checked() const {
  if (shared) return shared;
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
  return SharedSegments(std::make_shared<const Segments>(std::move(segments)));
}

SegmentsInput ReadSegments(Napi::Value value, const char* name, Pins& pins) {
  const Napi::Object object = ReadObject(value, name);
  const std::string prefix = std::string(name) + ".";
  const auto path = [&prefix](const char* member) { return prefix + member; };
  SegmentsInput input;
  if (object.CheckTypeTag(&kSegmentsTag)) {
    input.shared = Attached(object);
    input.count = input.shared->count();
    input.width = input.shared->width;
    input.height = input.shared->height;
    return input;
  }
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

}  // namespace fastsamd::binding
