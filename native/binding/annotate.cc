#include "core/annotate.h"

#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/values.h"
#include "binding/verbs.h"

namespace fastsamd::binding {
namespace {

constexpr size_t kMaxLines = 100'000;
constexpr size_t kMaxStamps = 1000;

uint32_t ReadColor(Napi::Value value, const char* name) {
  return static_cast<uint32_t>(ReadInteger(value, name, 0, 0xFFFFFF));
}

Polyline ReadLine(const Napi::Object& object, Pins& pins) {
  Polyline line;
  const Span<double> points = ReadDoubles(object.Get("points"), "lines[].points", kAnyLength, pins);
  line.points = points.data;
  line.count = points.size / 2;
  line.closed = ReadBoolean(object.Get("closed"), "lines[].closed");
  line.color = ReadColor(object.Get("color"), "lines[].color");
  line.width = ReadNumber(object.Get("width"), "lines[].width", 0, kMaxSide);
  return line;
}

Stamp ReadStamp(const Napi::Object& object, Pins& pins) {
  Stamp stamp;
  stamp.width = ReadInt(object.Get("width"), "stamps[].width", 1, kMaxSide);
  stamp.height = ReadInt(object.Get("height"), "stamps[].height", 1, kMaxSide);
  const size_t size = static_cast<size_t>(stamp.width) * static_cast<size_t>(stamp.height);
  stamp.alpha = ReadBytes(object.Get("alpha"), "stamps[].alpha", size, pins).data;
  stamp.left = ReadInt(object.Get("left"), "stamps[].left", -kMaxSide, kMaxSide);
  stamp.top = ReadInt(object.Get("top"), "stamps[].top", -kMaxSide, kMaxSide);
  stamp.ink = ReadColor(object.Get("ink"), "stamps[].ink");
  stamp.ground = ReadColor(object.Get("ground"), "stamps[].ground");
  return stamp;
}

}  // namespace

Napi::Value Annotate(const Napi::CallbackInfo& info) {
  Pins pins;
  const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  const Napi::Array lines = ReadArray(info[1], "lines", kMaxLines);
  const Napi::Array stamps = ReadArray(info[2], "stamps", kMaxStamps);
  std::vector<Polyline> polylines;
  for (uint32_t i = 0; i < lines.Length(); ++i) {
    polylines.push_back(ReadLine(ReadObject(lines.Get(i), "lines[]"), pins));
  }
  std::vector<Stamp> texts;
  for (uint32_t i = 0; i < stamps.Length(); ++i) {
    texts.push_back(ReadStamp(ReadObject(stamps.Get(i), "stamps[]"), pins));
  }
  return RunOnPool(
      info.Env(), "fastsamd.annotate", std::move(pins),
      [pixels, polylines = std::move(polylines), texts = std::move(texts)]() -> Result<Pixels> {
        const auto [width, height] = std::pair(pixels.view.width, pixels.view.height);
        std::vector<uint8_t> rgb(size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height));
        const Status done = fastsamd::Annotate(pixels.view, polylines, texts, rgb.data());
        if (!done.ok()) return done.error();
        return OwnRgb(std::move(rgb), width, height);
      },
      [](Napi::Env env, Pixels annotated) { return NativeFrame::Make(env, std::move(annotated)); });
}

}  // namespace fastsamd::binding
