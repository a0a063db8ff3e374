#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>

#include "capture/gstreamer.h"
#include "capture/pixel_pool.h"
#include "capture/sample.h"
#include "core/result.h"

namespace fastsamd {

/// Whether frames with these caps lie in a Jetson's device memory (memory:NVMM).
bool IsDeviceMemory(const GstCaps* caps);

/// Frames in device memory, handed out where they lie. A frame keeps its buffer from the element that fills it, which
/// has few: once `most` are out, frames are copied, and their buffers go back at once. One thread; frames live on any.
class DeviceFrames {
 public:
  /// `colors` are the colours of the frame as its caps and the stream tell them; what the buffer's own format names
  /// comes before them. Errors: kSourceUnsupported, kSourceCorrupt.
  Result<MappedFrame> Map(const GstPtr<GstSample>& sample, const FrameColors& colors, int most, PixelPool& pool);

 private:
  std::shared_ptr<std::atomic<int>> held_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace fastsamd
