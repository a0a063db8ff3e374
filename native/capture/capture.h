#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "capture/device_frame.h"
#include "capture/hardware_decoders.h"
#include "capture/pipeline.h"
#include "capture/sample.h"
#include "core/result.h"

namespace fastsamd {

struct CaptureOptions {
  /// gst-launch syntax with an `appsink name=sink`. What its source sends is limited, see capture/guard.h.
  std::string pipeline;
  /// True: the newest frame wins. False: nothing is dropped, the pipeline waits.
  bool live = false;
  std::chrono::milliseconds start_timeout{10'000};
  /// Of a file: begin here rather than at its start.
  std::chrono::milliseconds start_at{0};
  /// What decodebin may choose from.
  DecoderChoice decoder = DecoderChoice::kCpu;
};

/// received = frames read + overwritten + corrupt + discarded + the one in the slot, if any.
struct CaptureStats {
  uint64_t received = 0;
  uint64_t overwritten = 0;
  uint64_t corrupt = 0;
  uint64_t discarded = 0;
  /// The pipeline has let go of everything, or never was.
  bool released = true;
};

struct CapturedFrame {
  MappedFrame frame;
  int64_t monotonic_ns = 0;
  int64_t pts_ns = -1;
};

/// Frames out of a GStreamer pipeline. Start, Read and Stop block no longer than their timeouts and are called by one
/// thread, one after the other; Interrupt and stats by any.
class Capture {
 public:
  explicit Capture(CaptureOptions options);
  /// Stops without waiting.
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// Returns when the pipeline plays. Errors: kSourceNotFound, kSourceUnsupported, kSourceCorrupt, kSourceLost,
  /// kSourceTimeout.
  Status Start();
  /// The next frame; empty at the end of the stream and after Interrupt. Frames that arrived before an error are handed
  /// out before it. Errors: as Start, kSourceTimeout when nothing came in time, kSourceCorrupt for a stream that ends
  /// without a single frame.
  Result<std::optional<CapturedFrame>> Read(std::chrono::milliseconds timeout);
  /// Drops unread frames. False when the pipeline hangs: its thread is abandoned.
  bool Stop(std::chrono::milliseconds timeout);
  /// Makes the call in progress return at once.
  void Interrupt();
  CaptureStats stats() const;

 private:
  struct Feed;
  Error NotInTime(const std::string& what) const;

  const CaptureOptions options_;
  const std::shared_ptr<Feed> feed_;
  PixelPool pixels_;
  DeviceFrames device_frames_;
  Pipeline pipeline_;
};

}  // namespace fastsamd
