#include "binding/native_detection_reader.h"

#include <memory>
#include <utility>

#include "binding/job.h"
#include "binding/turn.h"
#include "binding/values.h"

namespace fastsamd::binding {

struct NativeDetectionReader::State {
  DetectionListReader reader;
  bool busy = false;
};

void NativeDetectionReader::Define(Napi::Env env) {
  const Napi::Function reader_class = DefineClass(
      env, "NativeDetectionReader",
      {InstanceMethod<&NativeDetectionReader::Push>("push"), InstanceMethod<&NativeDetectionReader::Finish>("finish")});
  Environment::Of(env).detection_reader_class = Napi::Persistent(reader_class);
}

Napi::Value NativeDetectionReader::Open(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env()).detection_reader_class.New({});
}

NativeDetectionReader::NativeDetectionReader(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<NativeDetectionReader>(info), state_(std::make_shared<State>()) {}

Napi::Value NativeDetectionReader::Push(const Napi::CallbackInfo& info) {
  return RejectWhatIsThrown(info.Env(), [&]() -> Napi::Value {
    Pins pins;
    const Span<uint8_t> piece = ReadBytes(info[0], "piece", kAnyLength, pins);
    if (state_->busy) ThrowMisuse(info.Env(), "the reader is at work; wait for its last piece");
    return RunOnPool(
        info.Env(), "fastsamd.readDetections", std::move(pins),
        [turn = std::make_shared<Turn<State>>(state_), piece]() -> Result<DetectionBlock> {
          return turn->state().reader.Push(reinterpret_cast<const char*>(piece.data), piece.size);
        },
        [](Napi::Env env, DetectionBlock block) {
          Napi::Object object = Napi::Object::New(env);
          object.Set("pictures", ToTypedArray<Napi::Float64Array>(env, std::move(block.pictures)));
          object.Set("categories", ToTypedArray<Napi::Float64Array>(env, std::move(block.categories)));
          object.Set("scores", ToTypedArray<Napi::Float64Array>(env, std::move(block.scores)));
          object.Set("boxes", ToTypedArray<Napi::Float64Array>(env, std::move(block.boxes)));
          object.Set("kinds", ToTypedArray<Napi::Uint8Array>(env, std::move(block.kinds)));
          object.Set("sizes", ToTypedArray<Napi::Uint32Array>(env, std::move(block.sizes)));
          object.Set("text", ToTypedArray<Napi::Uint8Array>(env, std::move(block.text)));
          object.Set("textEnds", ToTypedArray<Napi::Uint32Array>(env, std::move(block.text_ends)));
          return object;
        });
  });
}

void NativeDetectionReader::Finish(const Napi::CallbackInfo& info) {
  if (state_->busy) ThrowMisuse(info.Env(), "the reader is at work; wait for its last piece");
  if (const Status status = state_->reader.Finish(); !status.ok()) Throw(info.Env(), status.error());
}

}  // namespace fastsamd::binding
