#include <algorithm>

#include "binding/native_frame.h"
#include "binding/verbs.h"
#include "core/color.h"

namespace fastsamd::binding {
namespace {

struct Plane {
  int row_bytes;
  int rows;
};

/// Tight size of each plane; see ImageView.
std::vector<Plane> PlanesOf(PixelFormat format, int width, int height) {
  const int chroma_width = (width + 1) / 2;
  const int chroma_height = (height + 1) / 2;
  switch (format) {
    case PixelFormat::kRgb:
    case PixelFormat::kBgr:
      return {{3 * width, height}};
    case PixelFormat::kRgba:
      return {{4 * width, height}};
    case PixelFormat::kNv12:
      return {{width, height}, {2 * chroma_width, chroma_height}};
    case PixelFormat::kI420:
      return {{width, height}, {chroma_width, chroma_height}, {chroma_width, chroma_height}};
  }
  return {};
}

}  // namespace

Napi::Value CreateFrame(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Pins pins;
  const Napi::Object layout = ReadObject(info[1], "layout");
  Pixels pixels;
  ImageView& view = pixels.view;
  view.width = ReadInt(layout.Get("width"), "layout.width", 1, kMaxSide);
  view.height = ReadInt(layout.Get("height"), "layout.height", 1, kMaxSide);
  view.format = static_cast<PixelFormat>(ReadChoice(layout.Get("format"), "layout.format", PixelFormatNames()));
  if (const Napi::Value matrix = layout.Get("matrix"); !matrix.IsUndefined()) {
    view.matrix = static_cast<ColorMatrix>(ReadChoice(matrix, "layout.matrix", {"bt601", "bt709", "bt2020"}));
  }
  if (const Napi::Value range = layout.Get("range"); !range.IsUndefined()) {
    view.range = static_cast<ColorRange>(ReadChoice(range, "layout.range", {"limited", "full"}));
  }

  const std::vector<Plane> planes = PlanesOf(view.format, view.width, view.height);
  std::vector<size_t> starts(planes.size());
  const Napi::Value strides = layout.Get("strides");
  if (!strides.IsUndefined() && ReadArray(strides, "layout.strides", planes.size()).Length() != planes.size()) {
    ThrowMisuse(env, "expected one stride per plane (" + std::to_string(planes.size()) + ") as layout.strides");
  }
  size_t needed = 0;
  for (size_t i = 0; i < planes.size(); ++i) {
    view.strides[i] = planes[i].row_bytes;
    if (!strides.IsUndefined()) {
      const Napi::Value stride = strides.As<Napi::Array>().Get(static_cast<uint32_t>(i));
      view.strides[i] = ReadInt(stride, "an element of layout.strides", planes[i].row_bytes, kMaxStride);
    }
    starts[i] = needed;
    // The last row of a plane need not be padded to the stride when nothing follows it.
    const size_t rows_before_last = static_cast<size_t>(planes[i].rows - 1);
    const bool last = i + 1 == planes.size();
    needed += static_cast<size_t>(view.strides[i]) * rows_before_last +
              static_cast<size_t>(last ? planes[i].row_bytes : view.strides[i]);
  }

  // Read last: getters of `layout` may have detached it.
  const Span<uint8_t> bytes = ReadBytes(info[0], "pixels", kAnyLength, pins);
  if (bytes.size < needed) {
    ThrowMisuse(env, "expected at least " + std::to_string(needed) + " bytes of pixels for this layout, got " +
                         std::to_string(bytes.size));
  }
  for (size_t i = 0; i < planes.size(); ++i) view.planes[i] = bytes.data + starts[i];
  if (const Status valid = Validate(view); !valid.ok()) Throw(env, valid.error());
  return NativeFrame::Make(env, std::move(pixels), info[0].As<Napi::Uint8Array>());
}

}  // namespace fastsamd::binding
