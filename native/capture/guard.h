#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "capture/gstreamer.h"
#include "core/jpeg_markers.h"

namespace fastsamd {

/// Bytes that a live source may send from one frame to the next: an uncompressed 8K picture; a compressed one is far
/// smaller.
inline constexpr uint64_t kMaxBytesPerFrame = 32U << 20;
/// Longest side of a compressed picture, pixels.
inline constexpr int64_t kMaxPictureSide = 16'384;
/// Most pixels of a compressed picture: the largest frame of H.264 and H.265 (level 6.2), a little more than 8K.
inline constexpr int64_t kMaxPicturePixels = 35'651'584;

/// Limits on what a camera may send, checked before anything buffers or decodes it. A source that exceeds one fails
/// with an ERROR message on its bus.
///
/// - Bytes since the last frame, counted in front of every demuxer and depayloader of a live source, and on the TCP
///   connections of an RTSP source: a server that never completes a picture, a header or a body is lost, not buffered.
/// - Width and height in the caps or the JPEG header in front of every decoder: 2 KB may claim gigabytes of pixels.
/// - JPEG pictures of which a part is missing are left out and counted: decoders fill the rest with grey. Some cameras
///   never send end markers; theirs are looked for once there was one.
/// - RTSP connections lead to the first server only: a redirect would take the password elsewhere.
class Guard : public std::enable_shared_from_this<Guard> {
 public:
  explicit Guard(bool live);
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  /// Watches the elements of `bin`, and those that are added to it later. `guard` is kept by them.
  static void Watch(const std::shared_ptr<Guard>& guard, GstBin* bin);
  /// A frame has arrived: the bytes are counted from zero again.
  void Frame() { ++frames_; }
  /// Pictures that were left out because a part of them is missing.
  uint64_t damaged() const { return damaged_; }
  /// The TCP connections that this thread opens from now on belong to `source`, an RTSP source of the guarded pipeline.
  void Connecting(GstElement* source);
  /// Compares what the TCP connections have received with the limit. Called several times a second.
  void CheckConnections();

 private:
  struct Probe;
  class WeakSocket {
   public:
    explicit WeakSocket(GSocket* socket) { g_weak_ref_init(&reference_, socket); }
    ~WeakSocket() { g_weak_ref_clear(&reference_); }
    WeakSocket(const WeakSocket&) = delete;
    WeakSocket& operator=(const WeakSocket&) = delete;
    /// Null when it is closed.
    GstPtr<GSocket> Get() { return GstPtr<GSocket>(static_cast<GSocket*>(g_weak_ref_get(&reference_))); }

   private:
    GWeakRef reference_;
  };
  static void WatchElement(const std::shared_ptr<Guard>& guard, GstElement* element);
  static gboolean OnSocketEvent(GSignalInvocationHint* hint, guint count, const GValue* values, gpointer data);
  bool CountBytes(uint64_t bytes);
  bool IsComplete(JpegState state);
  void Adopt(GSocketConnection* connection, const std::string& server);

  const bool live_;
  std::atomic<uint64_t> damaged_{0};
  std::atomic<bool> has_end_markers_{false};
  std::atomic<uint64_t> frames_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> frames_at_bytes_{0};

  std::mutex mutex_;
  /// Those that are open: a reference would keep them open when GStreamer has let go of them.
  std::list<WeakSocket> sockets_;
  std::string server_;
  GWeakRef source_;
  uint64_t frames_at_received_ = 0;
  uint64_t received_before_ = 0;
};

}  // namespace fastsamd
