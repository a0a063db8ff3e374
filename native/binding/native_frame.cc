#include "binding/native_frame.h"

#include <utility>

namespace fastsamd::binding {
namespace {

constexpr napi_type_tag kFrameTag = {0x6a1f0c92d83b4e57ULL, 0x9be2417fa05cd386ULL};

}  // namespace

thread_local NativeFrame::ConstructorArguments* NativeFrame::arguments_ = nullptr;

struct NativeFrame::ConstructorArguments {
  Pixels pixels;
  std::optional<Napi::Uint8Array> js_memory;

  ~ConstructorArguments() { arguments_ = nullptr; }
};

Pixels OwnRgb(std::vector<uint8_t> rgb, int width, int height) {
  const auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(rgb));
  Pixels pixels;
  pixels.view.format = PixelFormat::kRgb;
  pixels.view.width = width;
  pixels.view.height = height;
  pixels.view.planes[0] = owner->data();
  pixels.view.strides[0] = 3 * width;
  pixels.owner = owner;
  pixels.native_bytes = owner->size();
  return pixels;
}

const std::vector<const char*>& PixelFormatNames() {
  static const std::vector<const char*> names{"rgb", "bgr", "rgba", "nv12", "i420"};
  return names;
}

void NativeFrame::Define(Napi::Env env) {
  const Napi::Function frame_class =
      DefineClass(env, "NativeFrame",
                  {InstanceAccessor<&NativeFrame::Width>("width"), InstanceAccessor<&NativeFrame::Height>("height"),
                   InstanceAccessor<&NativeFrame::Format>("format"), InstanceMethod<&NativeFrame::Release>("release")});
  Environment::Of(env).frame_class = Napi::Persistent(frame_class);
}

Napi::Object NativeFrame::Make(Napi::Env env, Pixels pixels, std::optional<Napi::Uint8Array> js_memory) {
  ConstructorArguments arguments{std::move(pixels), js_memory};
  arguments_ = &arguments;
  return Environment::Of(env).frame_class.New({});
}

Pixels NativeFrame::Use(Napi::Value value, const char* name, Pins& pins) {
  const Napi::Env env = value.Env();
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kFrameTag)) {
    ThrowMisuse(env, std::string("expected a NativeFrame as ") + name);
  }
  const NativeFrame& frame = *Unwrap(value.As<Napi::Object>());
  const Pixels& pixels = frame.Held(env);
  if (!frame.js_memory_.IsEmpty()) {
    const Napi::Uint8Array memory = frame.js_memory_.Value();
    pins.push_back(Napi::Persistent(memory.As<Napi::Object>()));
    if (memory.ByteLength() != frame.js_bytes_) {
      ThrowMisuse(env, std::string("the buffer behind ") + name +
                           " was transferred or resized; leave it alone until the frame is released");
    }
  }
  return pixels;
}

NativeFrame::NativeFrame(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeFrame>(info) {
  ConstructorArguments* arguments = std::exchange(arguments_, nullptr);
  if (arguments == nullptr) ThrowMisuse(info.Env(), "a NativeFrame is made by createFrame, renderShapes or a capture");
  info.This().As<Napi::Object>().TypeTag(&kFrameTag);
  pixels_ = std::move(arguments->pixels);
  if (arguments->js_memory) {
    js_memory_ = Napi::Persistent(*arguments->js_memory);
    js_bytes_ = arguments->js_memory->ByteLength();
  }
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), static_cast<int64_t>(pixels_->native_bytes));
}

NativeFrame::~NativeFrame() { Drop(); }

void NativeFrame::Drop() {
  if (!pixels_) return;
  Napi::MemoryManagement::AdjustExternalMemory(Env(), -static_cast<int64_t>(pixels_->native_bytes));
  pixels_.reset();
  js_memory_.Reset();
}

const Pixels& NativeFrame::Held(Napi::Env env) const {
  if (!pixels_) ThrowMisuse(env, "the frame was released; use a frame only before its release()");
  return *pixels_;
}

Napi::Value NativeFrame::Width(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Held(info.Env()).view.width);
}

Napi::Value NativeFrame::Height(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Held(info.Env()).view.height);
}

Napi::Value NativeFrame::Format(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), PixelFormatNames()[static_cast<size_t>(Held(info.Env()).view.format)]);
}

void NativeFrame::Release(const Napi::CallbackInfo&) { Drop(); }

}  // namespace fastsamd::binding
