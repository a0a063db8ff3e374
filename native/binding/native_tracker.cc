#include "binding/native_tracker.h"

#include <algorithm>
#include <utility>

#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/native_segments.h"
#include "binding/turn.h"
#include "binding/values.h"

namespace fastsamd::binding {
namespace {

constexpr double kMaxMotion = 1e6;
/// As many as a camera has prompts, and more.
constexpr size_t kMaxAsked = 256;
constexpr double kMaxId = 4294967295.0;
constexpr double kMaxModel = 9007199254740991.0;

TrackOptions ReadTrackOptions(Napi::Value value) {
  const Napi::Object object = ReadObject(value, "options");
  TrackOptions options;
  options.continue_score = static_cast<float>(ReadNumber(object.Get("continueScore"), "options.continueScore", 0, 1));
  options.strong_score = static_cast<float>(ReadNumber(object.Get("strongScore"), "options.strongScore", 0, 1));
  options.birth_score = static_cast<float>(ReadNumber(object.Get("birthScore"), "options.birthScore", 0, 1));
  options.keep_ms = ReadNumber(object.Get("keepMs"), "options.keepMs", 0, 600000);
  options.reconnect_keep_ms = ReadNumber(object.Get("reconnectKeepMs"), "options.reconnectKeepMs", 0, 3600000);
  options.first_id = static_cast<uint32_t>(ReadNumber(object.Get("firstId"), "options.firstId", 1, kMaxId));
  if (const Napi::Value one = object.Get("oneMotion"); !one.IsUndefined()) {
    options.one_motion = ReadBoolean(one, "options.oneMotion");
  }
  return options;
}

Affine ReadAffine(Napi::Value value) {
  const Napi::Array array = ReadArray(value, "motion", 6);
  if (array.Length() != 6) ThrowMisuse(value.Env(), "expected 6 numbers as motion");
  std::array<double, 6> m{};
  for (uint32_t k = 0; k < 6; ++k) m[k] = ReadNumber(array.Get(k), "motion[]", -kMaxMotion, kMaxMotion);
  return {m[0], m[1], m[2], m[3], m[4], m[5]};
}

const char* NameOf(TrackReset reset) {
  switch (reset) {
    case TrackReset::kTime:
      return "time";
    case TrackReset::kSize:
      return "size";
    case TrackReset::kScene:
      return "scene";
    case TrackReset::kNone:
      break;
  }
  return "";
}

Napi::Array ToArray(Napi::Env env, const TrackBox& box) {
  const Napi::Array array = Napi::Array::New(env, 4);
  array.Set(0U, box.x1);
  array.Set(1U, box.y1);
  array.Set(2U, box.x2);
  array.Set(3U, box.y2);
  return array;
}

Napi::Value ToValue(Napi::Env env, TrackOutput output) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("ids", ToTypedArray<Napi::Uint32Array>(env, std::move(output.ids)));
  object.Set("parents", ToTypedArray<Napi::Uint32Array>(env, std::move(output.parents)));
  object.Set("agesMs", ToTypedArray<Napi::Float32Array>(env, std::move(output.ages_ms)));
  object.Set("velocities", ToTypedArray<Napi::Float32Array>(env, std::move(output.velocities)));
  const Napi::Array lost = Napi::Array::New(env, output.lost.size());
  for (uint32_t i = 0; i < output.lost.size(); ++i) {
    const LostTrack& track = output.lost[i];
    const Napi::Object entry = Napi::Object::New(env);
    entry.Set("id", track.id);
    entry.Set("box", ToArray(env, track.box));
    entry.Set("unseenMs", track.unseen_ms);
    entry.Set("vx", track.vx);
    entry.Set("vy", track.vy);
    lost.Set(i, entry);
  }
  object.Set("lost", lost);
  const Napi::Array ended = Napi::Array::New(env, output.ended.size());
  for (uint32_t i = 0; i < output.ended.size(); ++i) {
    const EndedTrack& track = output.ended[i];
    const Napi::Object entry = Napi::Object::New(env);
    entry.Set("id", track.id);
    entry.Set("box", ToArray(env, track.box));
    entry.Set("ageMs", track.age_ms);
    entry.Set("left", track.left);
    ended.Set(i, entry);
  }
  object.Set("ended", ended);
  const Napi::Array named = Napi::Array::New(env, output.named.size());
  for (uint32_t i = 0; i < output.named.size(); ++i) {
    const NamedTrack& track = output.named[i];
    const Napi::Object entry = Napi::Object::New(env);
    const Napi::Array centroid = Napi::Array::New(env, 2);
    centroid.Set(0U, track.x);
    centroid.Set(1U, track.y);
    entry.Set("id", track.id);
    entry.Set("box", ToArray(env, track.box));
    entry.Set("centroid", centroid);
    named.Set(i, entry);
  }
  object.Set("named", named);
  object.Set("found", ToTypedArray<Napi::Uint32Array>(env, std::move(output.found)));
  if (output.reset != TrackReset::kNone) object.Set("reset", NameOf(output.reset));
  object.Set("live", output.live);
  object.Set("born", output.born);
  object.Set("reacquired", output.reacquired);
  return object;
}

}  // namespace

struct NativeTracker::State {
  explicit State(const TrackOptions& options) : tracker(options) {}

  Tracker tracker;
  bool busy = false;
};

void NativeTracker::Define(Napi::Env env) {
  const Napi::Function tracker_class =
      DefineClass(env, "NativeTracker",
                  {InstanceMethod<&NativeTracker::Update>("update"), InstanceMethod<&NativeTracker::Carry>("carry"),
                   InstanceMethod<&NativeTracker::Reset>("reset")});
  Environment::Of(env).tracker_class = Napi::Persistent(tracker_class);
}

Napi::Value NativeTracker::Open(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env()).tracker_class.New({info[0]});
}

NativeTracker::NativeTracker(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeTracker>(info) {
  const TrackOptions options = ReadTrackOptions(info[0]);
  if (const Status valid = Validate(options); !valid.ok()) Throw(info.Env(), valid.error());
  state_ = std::make_shared<State>(options);
}

void NativeTracker::DemandIdle(Napi::Env env) const {
  if (state_->busy) ThrowMisuse(env, "the tracker is at work; wait for its update to settle");
}

Napi::Value NativeTracker::Update(const Napi::CallbackInfo& info) {
  return RejectWhatIsThrown(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    Pins pins = Pin(Value());
    const SegmentsInput segments = ReadSegments(info[0], "segments", pins);
    const Napi::Object object = ReadObject(info[1], "input");
    TrackInput input;
    input.time_ns = static_cast<int64_t>(ReadNumber(object.Get("timeMs"), "input.timeMs", -1e13, 1e13) * 1e6);
    input.model = static_cast<uint64_t>(ReadNumber(object.Get("model"), "input.model", 0, kMaxModel));
    if (const Napi::Value motion = object.Get("motion"); !motion.IsUndefined()) input.motion = ReadAffine(motion);
    if (const Napi::Value unsure = object.Get("motionUnsure"); !unsure.IsUndefined()) {
      input.motion_unsure = ReadBoolean(unsure, "input.motionUnsure");
    }
    if (const Napi::Value asked = object.Get("asked"); !asked.IsUndefined()) {
      const Span<float> boxes = ReadFloats(asked, "input.asked", kAnyLength, pins);
      for (size_t k = 0; k + 4 <= std::min<size_t>(boxes.size, 4 * kMaxAsked); k += 4)
        input.asked.push_back({boxes.data[k], boxes.data[k + 1], boxes.data[k + 2], boxes.data[k + 3]});
    }
    if (const Napi::Value followed = object.Get("followed"); !followed.IsUndefined()) {
      const Span<uint32_t> ids = ReadUint32s(followed, "input.followed", kAnyLength, pins);
      input.followed.assign(ids.data, ids.data + std::min<size_t>(ids.size, Tracker::kMaxTracks));
      input.forget_ms = ReadNumber(object.Get("forgetMs"), "input.forgetMs", 0, 1e13);
    }
    std::optional<Pixels> pixels;
    if (const Napi::Value frame = object.Get("frame"); !frame.IsUndefined()) {
      pixels = NativeFrame::Use(frame, "input.frame", pins);
    }
    DemandIdle(env);
    return RunOnPool(
        env, "fastsamd.track", std::move(pins),
        [turn = std::make_shared<Turn<State>>(state_), segments, pixels, input]() mutable -> Result<TrackOutput> {
          const Result<SharedSegments> checked = segments.Checked();
          if (!checked.ok()) return checked.error();
          input.segments = checked.value().get();
          if (pixels) input.image = &pixels->view;
          Tracker& tracker = turn->state().tracker;
          try {
            return tracker.Update(input);
          } catch (const std::bad_alloc&) {
            // Half an update is no state to go on from.
            tracker.Reset();
            return Error{ErrorCode::kOutOfMemory, "not enough memory to track"};
          }
        },
        [](Napi::Env settled, TrackOutput output) { return ToValue(settled, std::move(output)); });
  });
}

Napi::Value NativeTracker::Carry(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Pins pins;
  const Span<uint32_t> wanted = ReadUint32s(info[0], "wanted", kAnyLength, pins);
  const int most = ReadInt(info[1], "most", 0, static_cast<int>(kMaxCarried));
  // The tracks of the frame before last would be carried by coefficients that are being replaced.
  if (state_->busy) return env.Undefined();
  const std::vector<CarryRequest> requests =
      state_->tracker.Carry(std::vector<uint32_t>(wanted.data, wanted.data + wanted.size), static_cast<size_t>(most));
  if (requests.empty()) return env.Undefined();
  std::vector<uint32_t> ids;
  std::vector<float> boxes;
  std::vector<float> coefficients;
  for (const CarryRequest& request : requests) {
    ids.push_back(request.id);
    boxes.insert(boxes.end(), request.box.begin(), request.box.end());
    coefficients.insert(coefficients.end(), request.coefficients.begin(), request.coefficients.end());
  }
  const Napi::Object object = Napi::Object::New(env);
  object.Set("ids", ToTypedArray<Napi::Uint32Array>(env, std::move(ids)));
  object.Set("boxes", ToTypedArray<Napi::Float32Array>(env, std::move(boxes)));
  object.Set("coefficients", ToTypedArray<Napi::Float32Array>(env, std::move(coefficients)));
  return object;
}

void NativeTracker::Reset(const Napi::CallbackInfo& info) {
  DemandIdle(info.Env());
  state_->tracker.Reset();
}

}  // namespace fastsamd::binding
