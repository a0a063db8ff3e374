#pragma once

#include <gst/video/video.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace fastsamd {

/// Which decoders decodebin may choose: the processor's; those of the hardware as well, but for JPEG, where these are
/// missing (Thor) or fragile (Orin); any.
enum class DecoderChoice { kCpu, kHardwareVideo, kAny };

/// Follows the decoders of a pipeline: keeps those out that are not wanted, and remembers the colorimetry of their
/// input, because NVIDIA's elements hand on pixels without it. Lets nvvidconv leave plain rows in device memory, in
/// buffers enough for frames to be worked on where they lie. How exactly the processor decodes is in
/// capture/decoders.h. Thread-safe.
class HardwareDecoders {
 public:
  /// Call before the pipeline starts. `decoders` is kept alive by the elements of `bin`.
  static void Watch(const std::shared_ptr<HardwareDecoders>& decoders, GstBin* bin, DecoderChoice choice);

  /// Why there may be no frame: the hardware has taken compressed pictures and given none. Empty when that is not so.
  std::string Hanging() const;

  /// How many frames in device memory may be kept from the element that fills them without holding it up.
  int most_on_device() const { return most_on_device_; }

  /// The colorimetry of the input of the last element that drops it; unknown when there is no such element.
  GstVideoColorimetry colorimetry() const;

 private:
  static void OnElement(GstElement* element, const std::shared_ptr<HardwareDecoders>& decoders);
  static gint OnSelect(GstElement* bin, GstPad* pad, GstCaps* caps, GstElementFactory* factory, gpointer data);
  static GstPadProbeReturn OnCaps(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  void Remember(const GstCaps* caps);

  void TuneConverter(GstElement* element);

  void Count(GstElement* decoder, const std::shared_ptr<HardwareDecoders>& decoders);

  std::atomic<int> taken_{0};
  std::atomic<int> given_{0};
  std::atomic<int> most_on_device_{1};
  DecoderChoice choice_ = DecoderChoice::kCpu;
  mutable std::mutex mutex_;
  GstVideoColorimetry colorimetry_ = {};
};

}  // namespace fastsamd
