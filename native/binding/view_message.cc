#include <algorithm>

#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/native_segments.h"
#include "binding/values.h"
#include "binding/verbs.h"
#include "core/crop.h"
#include "core/region_map.h"
#ifdef FASTSAMD_TURBOJPEG
#include "jpeg/jpeg.h"
#endif

namespace fastsamd::binding {
namespace {

// The layout is that of src/contract/view-message.ts.
constexpr size_t kHeaderBytes = 72;
constexpr size_t kSizesAt = 24;
constexpr size_t kLengthsAt = 48;
constexpr size_t kCodecAt = 68;
constexpr uint8_t kJpeg = 1;
constexpr int kMaxMetaBytes = 64 * 1024;

struct ViewOptions {
  FramePart part;
  int picture_width = 0;
  int picture_height = 0;
  /// 0: no picture.
  int quality = 0;
  int map_width = 0;
  int map_height = 0;
};

ViewOptions ReadViewOptions(Napi::Value value, const Segments& size) {
  const Napi::Object object = ReadObject(value, "options");
  ViewOptions options;
  const Napi::Object part = ReadObject(object.Get("part"), "options.part");
  options.part.x = ReadInt(part.Get("x"), "options.part.x", 0, size.width - 1);
  options.part.y = ReadInt(part.Get("y"), "options.part.y", 0, size.height - 1);
  options.part.width = ReadInt(part.Get("width"), "options.part.width", 1, size.width - options.part.x);
  options.part.height = ReadInt(part.Get("height"), "options.part.height", 1, size.height - options.part.y);
  options.picture_width = ReadInt(object.Get("pictureWidth"), "options.pictureWidth", 1, options.part.width);
  options.picture_height = ReadInt(object.Get("pictureHeight"), "options.pictureHeight", 1, options.part.height);
  options.quality = ReadInt(object.Get("quality"), "options.quality", 0, 100);
  options.map_width = ReadInt(object.Get("mapWidth"), "options.mapWidth", 1, kMaxMapCells);
  options.map_height = ReadInt(object.Get("mapHeight"), "options.mapHeight", 1, kMaxMapCells / options.map_width);
  return options;
}

void Put16(uint8_t* at, size_t value) {
  at[0] = static_cast<uint8_t>(value);
  at[1] = static_cast<uint8_t>(value >> 8);
}

void Put32(uint8_t* at, size_t value) {
  Put16(at, value);
  Put16(at + 2, value >> 16);
}

/// Ends a section at a multiple of 4 and notes its length without the padding.
void EndSection(std::vector<uint8_t>& message, size_t section, size_t begin) {
  Put32(message.data() + kLengthsAt + 4 * section, message.size() - begin);
  message.resize((message.size() + 3) / 4 * 4);
}

void AppendObjects(const Segments& segments, const Span<uint32_t>& prompts, const Span<uint32_t>& tracks,
                   std::vector<uint8_t>& message) {
  constexpr size_t kObjectBytes = 24;
  const size_t begin = message.size();
  message.resize(begin + kObjectBytes * segments.count());
  uint8_t* at = message.data() + begin;
  for (size_t i = 0; i < segments.count(); ++i, at += kObjectBytes) {
    for (size_t side = 0; side < 4; ++side) {
      Put16(at + 2 * side, static_cast<size_t>(std::clamp(segments.boxes[4 * i + side] + 0.5F, 0.0F, 65535.0F)));
    }
    Put16(at + 8, static_cast<size_t>(std::clamp(segments.scores[i], 0.0F, 1.0F) * 65535.0F + 0.5F));
    Put16(at + 10, static_cast<size_t>(std::clamp(segments.classes[i], 0, 65535)));
    Put32(at + 12, segments.areas[i]);
    Put32(at + 16, prompts.data[i]);
    Put32(at + 20, tracks.size == 0 ? 0 : tracks.data[i]);
  }
}

/// One message: the header as it was handed in with its sizes filled in, objects, regions, map, meta, picture.
Result<std::vector<uint8_t>> Pack(const ImageView& view, const Segments& segments, const Span<uint32_t>& prompts,
                                  const Span<uint32_t>& tracks, const ViewOptions& options, const Span<uint8_t>& header,
                                  const Span<uint8_t>& meta) {
  const FramePart& part = options.part;
  std::vector<uint8_t> picture;
#ifdef FASTSAMD_TURBOJPEG
  if (options.quality > 0) {
    const Result<ImageView> cropped = Crop(view, part.x, part.y, part.width, part.height);
    if (!cropped.ok()) return cropped.error();
    Result<std::vector<uint8_t>> jpeg =
        fastsamd::EncodeJpeg(cropped.value(), options.picture_width, options.picture_height, options.quality);
    if (!jpeg.ok()) return jpeg.error();
    picture = std::move(jpeg).value();
  }
#else
  static_cast<void>(view);
#endif
  const RegionMap map = MapRegions(segments, part, options.map_width, options.map_height);

  std::vector<uint8_t> message(header.data, header.data + kHeaderBytes);
  message.reserve(kHeaderBytes + 24 * segments.count() + 16 * 1024 + meta.size + picture.size());
  size_t begin = message.size();
  AppendObjects(segments, prompts, tracks, message);
  EndSection(message, 0, begin);
  begin = message.size();
  AppendRegions(map, message);
  EndSection(message, 1, begin);
  begin = message.size();
  AppendCells(map, message);
  EndSection(message, 2, begin);
  begin = message.size();
  message.insert(message.end(), meta.data, meta.data + meta.size);
  EndSection(message, 3, begin);
  begin = message.size();
  message.insert(message.end(), picture.begin(), picture.end());
  Put32(message.data() + kLengthsAt + 16, message.size() - begin);

  const size_t sizes[] = {static_cast<size_t>(segments.width),
                          static_cast<size_t>(segments.height),
                          static_cast<size_t>(options.picture_width),
                          static_cast<size_t>(options.picture_height),
                          static_cast<size_t>(part.x),
                          static_cast<size_t>(part.y),
                          static_cast<size_t>(part.width),
                          static_cast<size_t>(part.height),
                          static_cast<size_t>(map.width),
                          static_cast<size_t>(map.height),
                          segments.count(),
                          map.regions()};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i) Put16(message.data() + kSizesAt + 2 * i, sizes[i]);
  message[kCodecAt] = picture.empty() ? 0 : kJpeg;
  return message;
}

}  // namespace

Napi::Value ViewMessage(const Napi::CallbackInfo& info) {
  Pins pins;
  const Pixels pixels = NativeFrame::Use(info[0], "frame", pins);
  const SegmentsInput input = ReadSegments(info[1], "segments", pins);
  const Napi::Object options_object = ReadObject(info[2], "options");
  if (input.width != pixels.view.width || input.height != pixels.view.height || input.count > 65535) {
    ThrowMisuse(info.Env(), "expected at most 65535 segments of this very frame");
  }
  Segments size;
  size.width = input.width;
  size.height = input.height;
  const ViewOptions options = ReadViewOptions(info[2], size);
  const Span<uint32_t> prompts = ReadUint32s(options_object.Get("prompts"), "options.prompts", input.count, pins);
  const Napi::Value track_ids = options_object.Get("tracks");
  const Span<uint32_t> tracks =
      track_ids.IsUndefined() ? Span<uint32_t>{} : ReadUint32s(track_ids, "options.tracks", input.count, pins);
  const Span<uint8_t> header = ReadBytes(options_object.Get("header"), "options.header", kHeaderBytes, pins);
  const Span<uint8_t> meta = ReadBytes(options_object.Get("meta"), "options.meta", kAnyLength, pins);
  if (meta.size > static_cast<size_t>(kMaxMetaBytes))
    ThrowMisuse(info.Env(), "expected at most 64 KiB of options.meta");
  return RunOnPool(
      info.Env(), "fastsamd.viewMessage", std::move(pins),
      [pixels, input, options, prompts, tracks, header, meta]() -> Result<std::vector<uint8_t>> {
        const Result<SharedSegments> segments = input.Checked();
        if (!segments.ok()) return segments.error();
        return Pack(pixels.view, *segments.value(), prompts, tracks, options, header, meta);
      },
      ToTypedArray<Napi::Uint8Array, uint8_t>);
}

}  // namespace fastsamd::binding
