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
