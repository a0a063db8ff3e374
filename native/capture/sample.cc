#include "capture/sample.h"

#include <gst/video/video.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

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

Result<PixelFormat> FormatOf(const GstVideoInfo& info) {
  switch (GST_VIDEO_INFO_FORMAT(&info)) {
    case GST_VIDEO_FORMAT_RGB:
      return PixelFormat::kRgb;
    case GST_VIDEO_FORMAT_BGR:
      return PixelFormat::kBgr;
    case GST_VIDEO_FORMAT_RGBA:
      return PixelFormat::kRgba;
    case GST_VIDEO_FORMAT_NV12:
      return PixelFormat::kNv12;
    case GST_VIDEO_FORMAT_I420:
      return PixelFormat::kI420;
    default:
      return Error{ErrorCode::kSourceUnsupported,
                   std::string("expected RGB, BGR, RGBA, NV12 or I420 at the sink, got ") + GST_VIDEO_INFO_NAME(&info) +
                       "; put videoconvert before it"};
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

/// A mapped sample, unmapped and released by its destructor.
class Mapping {
 public:
  explicit Mapping(GstSample* sample) : sample_(gst_sample_ref(sample)) {}
  ~Mapping() {
    if (mapped_) gst_video_frame_unmap(&frame_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  bool Map(const GstVideoInfo& info) {
    GstBuffer* buffer = gst_sample_get_buffer(sample_.get());
    mapped_ = buffer != nullptr && gst_video_frame_map(&frame_, &info, buffer, GST_MAP_READ) == TRUE;
    return mapped_;
  }

  const GstVideoFrame& frame() const { return frame_; }

 private:
  GstPtr<GstSample> sample_;
  GstVideoFrame frame_ = {};
  bool mapped_ = false;
};

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

Result<MappedFrame> MapSample(const GstPtr<GstSample>& sample) {
  const GstCaps* caps = gst_sample_get_caps(sample.get());
  GstVideoInfo info;
  if (caps == nullptr || gst_video_info_from_caps(&info, caps) == FALSE ||
      GST_VIDEO_INFO_FORMAT(&info) == GST_VIDEO_FORMAT_ENCODED) {
    return Error{ErrorCode::kSourceUnsupported, "expected raw video at the sink; put a decoder before it"};
  }
  const Result<PixelFormat> format = FormatOf(info);
  if (!format.ok()) return format.error();

  const auto mapping = std::make_shared<Mapping>(sample.get());
  if (!mapping->Map(info)) return Error{ErrorCode::kSourceCorrupt, "a frame's pixels cannot be mapped"};
  const GstVideoFrame& frame = mapping->frame();

  MappedFrame mapped;
  mapped.view.format = format.value();
  mapped.view.width = GST_VIDEO_FRAME_WIDTH(&frame);
  mapped.view.height = GST_VIDEO_FRAME_HEIGHT(&frame);
  mapped.view.matrix = MatrixOf(info);
  const bool full = GST_VIDEO_INFO_COLORIMETRY(&info).range == GST_VIDEO_COLOR_RANGE_0_255;
  mapped.view.range = full ? ColorRange::kFull : ColorRange::kLimited;
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&frame); ++plane) {
    mapped.view.planes[plane] = static_cast<const uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane));
    mapped.view.strides[plane] = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane);
  }
  mapped.bytes = GST_VIDEO_FRAME_SIZE(&frame);
  mapped.owner = mapping;
  if (const Status valid = Validate(mapped.view); !valid.ok()) {
    return Error{ErrorCode::kSourceCorrupt, valid.error().message};
  }
  return mapped;
}

}  // namespace fastsamd
