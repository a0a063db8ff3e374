#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "capture/pipeline.h"
#include "core/result.h"

namespace fastsamd {

struct VideoWriterOptions {
  /// gst-launch syntax with an `appsrc name=src`.
  std::string pipeline;
  int width = 0;
  int height = 0;
  double fps = 30;
};

/// RGB frames into a GStreamer pipeline. Start, Write and Finish block and are called by one thread, one after the
/// other; Interrupt by any. All errors are kOutputUnwritable, or kMisuse after Interrupt.
class VideoWriter {
 public:
  explicit VideoWriter(VideoWriterOptions options);
  /// Stops without waiting; a stream that was not finished is cut off.
  ~VideoWriter();
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;

  Status Start();
  /// Copies one tight picture (width * height * 3 bytes) into the pipeline, waiting while two others are queued. Shown
  /// `pts_ns` after the beginning of the video; one frame's time (1 / fps) after the picture before when that is not
  /// later.
  Status Write(const uint8_t* rgb, int64_t pts_ns);
  /// Ends the stream, waits until the pipeline has written all of it, and stops the pipeline.
  Status Finish(std::chrono::milliseconds timeout);
  /// Cuts the stream off; see Pipeline::Stop.
  bool Stop(std::chrono::milliseconds timeout) { return pipeline_.Stop(timeout); }
  void Interrupt();

 private:
  struct Feed;

  /// GStreamer's own row length: three bytes a pixel, rounded up to a multiple of four.
  size_t RowBytes() const { return (size_t{3} * static_cast<size_t>(options_.width) + 3) & ~size_t{3}; }
  size_t FrameBytes() const { return RowBytes() * static_cast<size_t>(options_.height); }

  const VideoWriterOptions options_;
  const std::shared_ptr<Feed> feed_;
  Pipeline pipeline_;
  int64_t last_pts_ns_ = -1;
};

}  // namespace fastsamd
