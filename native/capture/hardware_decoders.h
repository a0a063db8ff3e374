#pragma once

#include <gst/video/video.h>

#include <memory>
#include <mutex>

namespace fastsamd {

/// Which decoders decodebin may choose: the processor's; those of the hardware as well, but for JPEG, where these are
/// missing (Thor) or fragile (Orin); any.
enum class DecoderChoice { kCpu, kHardwareVideo, kAny };

/// Follows the decoders of a pipeline: keeps those out that are not wanted, and remembers the colorimetry of their
/// input, because NVIDIA's elements hand on pixels without it. How exactly the processor decodes is in
/// capture/decoders.h. Thread-safe.
class HardwareDecoders {
 public:
  /// Call before the pipeline starts. `decoders` is kept alive by the elements of `bin`.
  static void Watch(const std::shared_ptr<HardwareDecoders>& decoders, GstBin* bin, DecoderChoice choice);

  /// The colorimetry of the input of the last element that drops it; unknown when there is no such element.
  GstVideoColorimetry colorimetry() const;

 private:
  static void OnElement(GstElement* element, const std::shared_ptr<HardwareDecoders>& decoders);
  static gint OnSelect(GstElement* bin, GstPad* pad, GstCaps* caps, GstElementFactory* factory, gpointer data);
  static GstPadProbeReturn OnCaps(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  void Remember(const GstCaps* caps);

  DecoderChoice choice_ = DecoderChoice::kCpu;
  mutable std::mutex mutex_;
  GstVideoColorimetry colorimetry_ = {};
};

}  // namespace fastsamd
