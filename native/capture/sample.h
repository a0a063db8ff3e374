#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

#include <cstdint>
#include <memory>

#include "capture/gstreamer.h"
#include "capture/pixel_pool.h"
#include "core/device_pixels.h"
#include "core/image.h"
#include "core/result.h"

namespace fastsamd {

/// A sample as it left the pipeline.
struct Arrival {
  GstPtr<GstSample> sample;
  /// CLOCK_MONOTONIC at capture.
  int64_t monotonic_ns = 0;
  /// Presentation time in the stream; -1 when unknown.
  int64_t pts_ns = -1;
};

/// Pixels of a sample; `owner` keeps them.
struct MappedFrame {
  ImageView view;
  size_t bytes = 0;
  std::shared_ptr<const void> owner;
  /// Set when the GPU may be able to read them where they lie.
  std::shared_ptr<DevicePixels> device = nullptr;
};

/// How the YUV of a frame is read.
struct FrameColors {
  ColorMatrix matrix;
  ColorRange range;
};

class DeviceFrames;

/// Times a sample that has just arrived at `sink`. Of a live source it is the buffer's running time on the pipeline's
/// clock, brought over to CLOCK_MONOTONIC and never later than now; of a file, or without a timestamp, it is now.
Arrival TimeSample(GstPtr<GstSample> sample, GstElement* sink, bool live);

/// True when an element marked the picture as damaged.
bool IsCorrupt(GstSample* sample);

/// Maps a sample for reading, with the format, size, strides and colorimetry of its own caps, which may change from
/// one sample to the next. Where the caps have no colorimetry it is `told`, what the input of the decoder said; when
/// that is unknown too, bt601 below 720 lines, else bt709, and limited range. Formats outside PixelFormat are converted
/// to RGBA, in memory of `pool`. Frames in device memory stay where they are while fewer than `most_on_device` of them
/// are out. Errors: kSourceUnsupported when GStreamer does not tell how a format is read, or device memory cannot be
/// mapped; kSourceCorrupt when the pixels cannot be mapped.
Result<MappedFrame> MapSample(const GstPtr<GstSample>& sample, const GstVideoColorimetry& told, PixelPool& pool,
                              DeviceFrames& device, int most_on_device);

}  // namespace fastsamd
