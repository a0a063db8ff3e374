#include "capture/sample.h"

#include <gst/video/video.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "capture/device_frame.h"
#include "capture/unpack.h"
#include "core/color.h"

namespace fastsamd {
namespace {

int64_t MonotonicNow() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Capture time of a live buffer on CLOCK_MONOTONIC, or `now` when its clock or timestamp is missing.
int64_t LiveTime(GstSample* sample, GstClockTime pts, GstElement* sink, int64_t now) {
  const GstSegment* segment = gst_sample_get_segment(sample);
  const GstPtr<GstClock> clock(gst_element_get_clock(sink));
  if (clock == nullptr || segment == nullptr || segment->format != GST_FORMAT_TIME) return now;
  const GstClockTime running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, pts);
  if (!GST_CLOCK_TIME_IS_VALID(running)) return now;
  const auto captured = static_cast<int64_t>(gst_element_get_base_time(sink) + running);
  const int64_t offset = now - static_cast<int64_t>(gst_clock_get_time(clock.get()));
  return std::min(captured + offset, now);
}

/// The format in which pixels are read where they are; none when they have to be unpacked. YV12 is I420 with its chroma
/// planes exchanged, and what fills the fourth byte of RGBx is not read.
std::optional<PixelFormat> DirectFormat(const GstVideoInfo& info) {
  switch (GST_VIDEO_INFO_FORMAT(&info)) {
    case GST_VIDEO_FORMAT_RGB:
      return PixelFormat::kRgb;
    case GST_VIDEO_FORMAT_BGR:
      return PixelFormat::kBgr;
    case GST_VIDEO_FORMAT_RGBA:
    case GST_VIDEO_FORMAT_RGBx:
      return PixelFormat::kRgba;
    case GST_VIDEO_FORMAT_NV12:
      return PixelFormat::kNv12;
    case GST_VIDEO_FORMAT_I420:
    case GST_VIDEO_FORMAT_YV12:
      return PixelFormat::kI420;
    default:
      return std::nullopt;
  }
}

ColorMatrix MatrixOf(const GstVideoInfo& info) {
  switch (GST_VIDEO_INFO_COLORIMETRY(&info).matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT601:
    case GST_VIDEO_COLOR_MATRIX_FCC:
      return ColorMatrix::kBt601;
    case GST_VIDEO_COLOR_MATRIX_BT709:
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M:
      return ColorMatrix::kBt709;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      return ColorMatrix::kBt2020;
    default:
      return GST_VIDEO_INFO_HEIGHT(&info) < 720 ? ColorMatrix::kBt601 : ColorMatrix::kBt709;
  }
}

ColorRange RangeOf(const GstVideoInfo& info) {
  const bool full = GST_VIDEO_INFO_COLORIMETRY(&info).range == GST_VIDEO_COLOR_RANGE_0_255;
  return full ? ColorRange::kFull : ColorRange::kLimited;
}

/// A mapped sample, unmapped and released by its destructor.
class Mapping {
 public:
  explicit Mapping(GstSample* sample) : sample_(gst_sample_ref(sample)) {}
  ~Mapping() {
    if (mapped_) gst_video_frame_unmap(&frame_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  /// `info` by value: GStreamer before 1.20 takes no constant one.
  bool Map(GstVideoInfo info) {
    GstBuffer* buffer = gst_sample_get_buffer(sample_.get());
    mapped_ = buffer != nullptr && gst_video_frame_map(&frame_, &info, buffer, GST_MAP_READ) == TRUE;
    return mapped_;
  }

  GstVideoFrame& frame() { return frame_; }

 private:
  GstPtr<GstSample> sample_;
  GstVideoFrame frame_ = {};
  bool mapped_ = false;
};

/// The planes as they lie in the sample.
MappedFrame MapPlanes(const std::shared_ptr<Mapping>& mapping, PixelFormat format) {
  const GstVideoFrame& frame = mapping->frame();
  MappedFrame mapped;
  mapped.view = {format,
                 GST_VIDEO_FRAME_WIDTH(&frame),
                 GST_VIDEO_FRAME_HEIGHT(&frame),
                 {},
                 {},
                 MatrixOf(frame.info),
                 RangeOf(frame.info)};
  const bool planar = format == PixelFormat::kI420;
  for (guint k = 0; k < GST_VIDEO_FRAME_N_PLANES(&frame); ++k) {
    const guint plane = planar ? GST_VIDEO_FRAME_COMP_PLANE(&frame, k) : k;
    mapped.view.planes[k] = static_cast<const uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane));
    mapped.view.strides[k] = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane);
  }
  mapped.bytes = GST_VIDEO_FRAME_SIZE(&frame);
  mapped.owner = mapping;
  return mapped;
}

/// RGBA in memory of the pool; without pixels when the sample is too large for a frame.
MappedFrame MapUnpacked(Mapping& mapping, PixelPool& pool) {
  GstVideoFrame& frame = mapping.frame();
  MappedFrame mapped;
  mapped.view.width = GST_VIDEO_FRAME_WIDTH(&frame);
  mapped.view.height = GST_VIDEO_FRAME_HEIGHT(&frame);
  if (mapped.view.width > kMaxSide || mapped.view.height > kMaxSide) return mapped;
  mapped.view.format = PixelFormat::kRgba;
  mapped.view.strides[0] = mapped.view.width * 4;
  mapped.bytes = static_cast<size_t>(mapped.view.strides[0]) * static_cast<size_t>(mapped.view.height);
  const PixelPool::Pixels pixels = pool.Take(mapped.bytes);
  // Memory of new[] is aligned for any word.
  Unpack(frame, MatrixOf(frame.info), RangeOf(frame.info), reinterpret_cast<uint32_t*>(pixels.get()));
  mapped.view.planes[0] = pixels.get();
  mapped.owner = pixels;
  return mapped;
}

}  // namespace

Arrival TimeSample(GstPtr<GstSample> sample, GstElement* sink, bool live) {
  const int64_t now = MonotonicNow();
  GstBuffer* buffer = gst_sample_get_buffer(sample.get());
  const GstClockTime pts = buffer == nullptr ? GST_CLOCK_TIME_NONE : GST_BUFFER_PTS(buffer);
  const bool stamped = GST_CLOCK_TIME_IS_VALID(pts);
  const int64_t captured = live && stamped ? LiveTime(sample.get(), pts, sink, now) : now;
  return {std::move(sample), captured, stamped ? static_cast<int64_t>(pts) : -1};
}

bool IsCorrupt(GstSample* sample) {
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  return buffer == nullptr || GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED);
}

Result<MappedFrame> MapSample(const GstPtr<GstSample>& sample, const GstVideoColorimetry& told, PixelPool& pool,
                              DeviceFrames& device, int most_on_device) {
  const GstCaps* caps = gst_sample_get_caps(sample.get());
  GstVideoInfo info;
  if (caps == nullptr || gst_video_info_from_caps(&info, caps) == FALSE ||
      GST_VIDEO_INFO_FORMAT(&info) == GST_VIDEO_FORMAT_ENCODED) {
    return Error{ErrorCode::kSourceUnsupported, "expected raw video at the sink; put a decoder before it"};
  }
  // An element of NVIDIA's that drops the colorimetry leaves caps without it.
  const bool tells = gst_structure_has_field(gst_caps_get_structure(caps, 0), "colorimetry") == TRUE;
  if (!tells && GST_VIDEO_INFO_IS_YUV(&info) && told.range != GST_VIDEO_COLOR_RANGE_UNKNOWN) {
    GST_VIDEO_INFO_COLORIMETRY(&info) = told;
  }
  if (IsDeviceMemory(caps)) {
    Result<MappedFrame> mapped = device.Map(sample, {MatrixOf(info), RangeOf(info)}, most_on_device, pool);
    if (!mapped.ok()) return mapped;
    const ImageView& view = mapped.value().view;
    if (view.width != GST_VIDEO_INFO_WIDTH(&info) || view.height != GST_VIDEO_INFO_HEIGHT(&info)) {
      return Error{ErrorCode::kSourceCorrupt, "a frame's device memory has another size than its caps"};
    }
    return mapped;
  }
  const std::optional<PixelFormat> direct = DirectFormat(info);
  if (!direct && !CanUnpack(info)) {
    return Error{ErrorCode::kSourceUnsupported, std::string("pixels of the format ") + GST_VIDEO_INFO_NAME(&info) +
                                                    " cannot be read; put videoconvert before the sink"};
  }
  const auto mapping = std::make_shared<Mapping>(sample.get());
  if (!mapping->Map(info)) return Error{ErrorCode::kSourceCorrupt, "a frame's pixels cannot be mapped"};
  MappedFrame mapped = direct ? MapPlanes(mapping, *direct) : MapUnpacked(*mapping, pool);
  if (const Status valid = Validate(mapped.view); !valid.ok()) {
    return Error{ErrorCode::kSourceCorrupt, valid.error().message};
  }
  return mapped;
}

}  // namespace fastsamd
