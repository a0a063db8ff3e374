#include "binding/arguments.h"

#include <cmath>

namespace fastsamd::binding {
namespace {

[[noreturn]] void ThrowExpected(Napi::Value value, const char* name, const std::string& expected) {
  ThrowMisuse(value.Env(), "expected " + expected + " as " + name);
}

std::string Print(double number) {
  std::string text = std::to_string(number);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

template <typename T>
Span<T> ReadArrayOf(Napi::Value value, const char* name, size_t length, Pins& pins, napi_typedarray_type type,
                    const char* type_name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    ThrowExpected(value, name, std::string("a ") + type_name);
  }
  void* data = nullptr;
  size_t size = 0;
  if (napi_get_typedarray_info(value.Env(), value, nullptr, &size, &data, nullptr, nullptr) != napi_ok) {
    throw Napi::Error::New(value.Env());
  }
  if (length != kAnyLength && size != length) {
    ThrowExpected(
        value, name,
        std::string("a ") + type_name + " of " + std::to_string(length) + " elements, got " + std::to_string(size));
  }
  pins.push_back(Napi::Persistent(value.As<Napi::Object>()));
  return {static_cast<T*>(data), size};
}

}  // namespace

Pins Pin(const Napi::Object& object) {
  Pins pins;
  pins.push_back(Napi::Persistent(object));
  return pins;
}

int64_t ReadInteger(Napi::Value value, const char* name, int64_t min, int64_t max) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(number >= static_cast<double>(min) && number <= static_cast<double>(max)) || std::trunc(number) != number) {
    ThrowExpected(value, name, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return static_cast<int64_t>(number);
}

double ReadNumber(Napi::Value value, const char* name, double min, double max) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(number >= min && number <= max)) {
    ThrowExpected(value, name, "a number from " + Print(min) + " to " + Print(max));
  }
  return number;
}

std::chrono::milliseconds ReadTimeout(Napi::Value value, const char* name) {
  return std::chrono::milliseconds(ReadInteger(value, name, 0, 86'400'000));
}

bool ReadBoolean(Napi::Value value, const char* name) {
  if (!value.IsBoolean()) ThrowExpected(value, name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

std::string ReadString(Napi::Value value, const char* name, size_t max_length) {
  if (!value.IsString()) ThrowExpected(value, name, "a string");
  size_t length = 0;
  if (napi_get_value_string_utf8(value.Env(), value, nullptr, 0, &length) != napi_ok) {
    throw Napi::Error::New(value.Env());
  }
  if (length > max_length) ThrowExpected(value, name, "at most " + std::to_string(max_length) + " bytes of text");
  std::string text(length, '\0');
  if (napi_get_value_string_utf8(value.Env(), value, text.data(), length + 1, &length) != napi_ok) {
    throw Napi::Error::New(value.Env());
  }
  if (text.find('\0') != std::string::npos) ThrowExpected(value, name, "text without NUL");
  return text;
}

Napi::Object ReadObject(Napi::Value value, const char* name) {
  if (!value.IsObject() || value.IsFunction()) ThrowExpected(value, name, "an object");
  return value.As<Napi::Object>();
}

Napi::Array ReadArray(Napi::Value value, const char* name, size_t max_length) {
  if (!value.IsArray()) ThrowExpected(value, name, "an array");
  const auto array = value.As<Napi::Array>();
  if (array.Length() > max_length) ThrowExpected(value, name, "at most " + std::to_string(max_length) + " elements");
  return array;
}

size_t ReadChoice(Napi::Value value, const char* name, const std::vector<const char*>& names) {
  std::string list;
  const std::string text = value.IsString() ? ReadString(value, name, 64) : "";
  for (size_t i = 0; i < names.size(); ++i) {
    if (text == names[i]) return i;
    list += std::string(i == 0 ? "" : ", ") + names[i];
  }
  ThrowExpected(value, name, "one of " + list);
}

Span<float> ReadFloats(Napi::Value value, const char* name, size_t length, Pins& pins) {
  return ReadArrayOf<float>(value, name, length, pins, napi_float32_array, "Float32Array");
}

Span<double> ReadDoubles(Napi::Value value, const char* name, size_t length, Pins& pins) {
  return ReadArrayOf<double>(value, name, length, pins, napi_float64_array, "Float64Array");
}

Span<int32_t> ReadInt32s(Napi::Value value, const char* name, size_t length, Pins& pins) {
  return ReadArrayOf<int32_t>(value, name, length, pins, napi_int32_array, "Int32Array");
}

Span<uint32_t> ReadUint32s(Napi::Value value, const char* name, size_t length, Pins& pins) {
  return ReadArrayOf<uint32_t>(value, name, length, pins, napi_uint32_array, "Uint32Array");
}

Span<uint8_t> ReadBytes(Napi::Value value, const char* name, size_t length, Pins& pins) {
  return ReadArrayOf<uint8_t>(value, name, length, pins, napi_uint8_array, "Uint8Array");
}

}  // namespace fastsamd::binding
