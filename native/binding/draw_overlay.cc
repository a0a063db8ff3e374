#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/native_segments.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/draw.h"

namespace fastsamd::binding {
namespace {

OverlayObject ReadOverlayObject(const Napi::Object& object, size_t count, Pins& pins) {
  OverlayObject overlay;
  overlay.index =
      static_cast<uint32_t>(ReadInteger(object.Get("index"), "objects[].index", 0, static_cast<int64_t>(count) - 1));
  overlay.color = static_cast<uint32_t>(ReadInteger(object.Get("color"), "objects[].color", 0, 0xFFFFFF));
  const Napi::Value box = object.Get("box");
  overlay.box = !box.IsUndefined() && ReadBoolean(box, "objects[].box");
  const Napi::Value label = object.Get("label");
  if (label.IsUndefined()) return overlay;
  const Napi::Object stamp = ReadObject(label, "objects[].label");
  overlay.label_width = ReadInt(stamp.Get("width"), "objects[].label.width", 1, kMaxSide);
  overlay.label_height = ReadInt(stamp.Get("height"), "objects[].label.height", 1, kMaxSide);
  const size_t size = static_cast<size_t>(overlay.label_width) * static_cast<size_t>(overlay.label_height);
  overlay.label_left = ReadInt(stamp.Get("left"), "objects[].label.left", -kMaxSide, kMaxSide);
  overlay.label_top = ReadInt(stamp.Get("top"), "objects[].label.top", -kMaxSide, kMaxSide);
  overlay.label_ink = static_cast<uint32_t>(ReadInteger(stamp.Get("ink"), "objects[].label.ink", 0, 0xFFFFFF));
  overlay.label_alpha = ReadBytes(stamp.Get("alpha"), "objects[].label.alpha", size, pins).data;
  return overlay;
}

}  // namespace

Napi::Value DrawOverlay(const Napi::CallbackInfo& info) {
  Pins pins;
  const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  const SegmentsInput input = ReadSegments(info[1], "segments", pins);
  const Napi::Array list = ReadArray(info[2], "objects", input.count);
  std::vector<OverlayObject> objects;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    objects.push_back(ReadOverlayObject(ReadObject(list.Get(i), "objects[]"), input.count, pins));
  }
  return RunOnPool(
      info.Env(), "fastsamd.drawOverlay", std::move(pins),
      [pixels, input, objects = std::move(objects)]() -> Result<std::vector<uint8_t>> {
        const Result<SharedSegments> segments = input.Checked();
        if (!segments.ok()) return segments.error();
        std::vector<uint8_t> rgb(size_t{3} * static_cast<size_t>(pixels.view.width) *
                                 static_cast<size_t>(pixels.view.height));
        const Status done =
            fastsamd::DrawOverlay(pixels.view, *segments.value(), objects.data(), objects.size(), rgb.data());
        if (!done.ok()) return done.error();
        return rgb;
      },
      ToTypedArray<Napi::Uint8Array, uint8_t>);
}

}  // namespace fastsamd::binding
