#include "capture/guard.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "core/jpeg_markers.h"

namespace fastsamd {
namespace {

/// Whose TCP connections this thread opens: GSocketClient does not say what it connects for.
thread_local std::weak_ptr<Guard> connecting;

void Fail(GstElement* element, const std::string& text) {
  GST_ELEMENT_ERROR(element, STREAM, FORMAT, ("%s", text.c_str()), (nullptr));
}

std::string TooManyBytes() {
  return "no picture within " + std::to_string(kMaxBytesPerFrame >> 20) +
         " MiB of the stream; is it what the source was configured for?";
}

bool ExceedsPicture(int64_t width, int64_t height) {
  return width > kMaxPictureSide || height > kMaxPictureSide || width * height > kMaxPicturePixels;
}

std::string TooLarge(int64_t width, int64_t height) {
  return "a picture of " + std::to_string(width) + "×" + std::to_string(height) + "; at most " +
         std::to_string(kMaxPictureSide) + " pixels a side and " + std::to_string(kMaxPicturePixels) +
         " in all are decoded";
}

/// Whether the kind of the element ("Codec/Decoder/Video") has this word in it.
bool IsKind(GstElement* element, const char* word) {
  GstElementFactory* factory = gst_element_get_factory(element);
  const char* kind =
      factory == nullptr ? nullptr : gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS);
  return kind != nullptr && std::strstr(kind, word) != nullptr;
}

/// Bytes that the kernel has received on a connection.
uint64_t ReceivedBytes(GSocket* socket) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  if (getsockopt(g_socket_get_fd(socket), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_received;
}

}  // namespace

/// What a pad probe needs, kept by the pad.
struct Guard::Probe {
  std::shared_ptr<Guard> guard;
  /// Of the pad; it lives as long as its pad does anything.
  GstElement* element;

  static GstPadProbeReturn OnBytes(GstPad*, GstPadProbeInfo* info, gpointer data) {
    const Probe& probe = *static_cast<Probe*>(data);
    uint64_t bytes = 0;
    if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0) {
      bytes = gst_buffer_list_calculate_size(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
    } else if (GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info); buffer != nullptr) {
      bytes = gst_buffer_get_size(buffer);
    }
    if (probe.guard->CountBytes(bytes)) return GST_PAD_PROBE_OK;
    Fail(probe.element, TooManyBytes());
    return GST_PAD_PROBE_DROP;
  }

  static GstPadProbeReturn OnPicture(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
    const Probe& probe = *static_cast<Probe*>(data);
    int64_t width = 0;
    int64_t height = 0;
    if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) != 0) {
      GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
      if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS) return GST_PAD_PROBE_OK;
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      const GstStructure* structure = gst_caps_get_structure(caps, 0);
      int sides[2] = {0, 0};
      gst_structure_get_int(structure, "width", &sides[0]);
      gst_structure_get_int(structure, "height", &sides[1]);
      width = sides[0];
      height = sides[1];
    } else if (GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info); buffer != nullptr) {
      const GstPtr<GstCaps> caps(gst_pad_get_current_caps(pad));
      if (caps == nullptr || !gst_structure_has_name(gst_caps_get_structure(caps.get(), 0), "image/jpeg")) {
        return GST_PAD_PROBE_OK;
      }
      GstMapInfo map;
      if (gst_buffer_map(buffer, &map, GST_MAP_READ) == FALSE) return GST_PAD_PROBE_OK;
      const JpegSize size = ReadJpegSize(map.data, map.size);
      const JpegState state = ReadJpegState(map.data, map.size);
      gst_buffer_unmap(buffer, &map);
      if (!probe.guard->IsComplete(state)) {
        ++probe.guard->damaged_;
        return GST_PAD_PROBE_DROP;
      }
      width = size.width;
      height = size.height;
    }
    if (!ExceedsPicture(width, height)) return GST_PAD_PROBE_OK;
    Fail(probe.element, TooLarge(width, height));
    return GST_PAD_PROBE_DROP;
  }

  /// Adds a probe to the sink pads that `element` has, which all such elements have from the beginning.
  static void Add(const std::shared_ptr<Guard>& guard, GstElement* element, int types, GstPadProbeCallback callback) {
    const GstPtr<GstPad> pad(gst_element_get_static_pad(element, "sink"));
    if (pad == nullptr) return;
    gst_pad_add_probe(pad.get(), static_cast<GstPadProbeType>(types), callback, new Probe{guard, element},
                      [](gpointer data) { delete static_cast<Probe*>(data); });
  }
};

Guard::Guard(bool live) : live_(live) {
  g_weak_ref_init(&source_, nullptr);
  // Once per process: every connection that GLib makes for anybody passes here, and only those of guards are looked at.
  static std::once_flag once;
  std::call_once(once, [] {
    g_type_class_ref(G_TYPE_SOCKET_CLIENT);
    g_signal_add_emission_hook(g_signal_lookup("event", G_TYPE_SOCKET_CLIENT), 0, &Guard::OnSocketEvent, nullptr,
                               nullptr);
  });
}

Guard::~Guard() { g_weak_ref_clear(&source_); }

void Guard::Watch(const std::shared_ptr<Guard>& guard, GstBin* bin) {
  ForEachElement(bin, [guard](GstElement* element) { WatchElement(guard, element); });
}

void Guard::WatchElement(const std::shared_ptr<Guard>& guard, GstElement* element) {
  if (guard->live_ && (IsKind(element, "Demux") || IsKind(element, "Depayloader"))) {
    Probe::Add(guard, element, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, &Probe::OnBytes);
  }
  if (IsKind(element, "Decoder") && (IsKind(element, "Video") || IsKind(element, "Image"))) {
    Probe::Add(guard, element, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, &Probe::OnPicture);
  }
}

bool Guard::CountBytes(uint64_t bytes) {
  const uint64_t frames = frames_;
  if (frames_at_bytes_.exchange(frames) != frames) bytes_ = 0;
  return (bytes_ += bytes) <= kMaxBytesPerFrame;
}

bool Guard::IsComplete(JpegState state) {
  if (state == JpegState::kWhole) has_end_markers_ = true;
  if (state == JpegState::kCut) return !has_end_markers_;
  return state != JpegState::kDamaged;
}

void Guard::Connecting(GstElement* source) {
  g_weak_ref_set(&source_, source);
  connecting = weak_from_this();
}

gboolean Guard::OnSocketEvent(GSignalInvocationHint*, guint count, const GValue* values, gpointer) {
  const std::shared_ptr<Guard> guard = connecting.lock();
  if (guard == nullptr || count < 4) return TRUE;
  if (g_value_get_enum(&values[1]) != G_SOCKET_CLIENT_CONNECTED) return TRUE;
  GObject* connection = G_OBJECT(g_value_get_object(&values[3]));
  if (connection == nullptr || !G_IS_SOCKET_CONNECTION(connection)) return TRUE;
  const GstPtr<gchar> server(g_socket_connectable_to_string(G_SOCKET_CONNECTABLE(g_value_get_object(&values[2]))));
  guard->Adopt(G_SOCKET_CONNECTION(connection), server.get());
  return TRUE;
}

void Guard::Adopt(GSocketConnection* connection, const std::string& server) {
  GSocket* socket = g_socket_connection_get_socket(connection);
  bool elsewhere = false;
  {
    const std::lock_guard lock(mutex_);
    if (server_.empty()) server_ = server;
    elsewhere = server_ != server;
    sockets_.remove_if([](WeakSocket& known) { return known.Get() == nullptr; });
    if (!elsewhere) sockets_.emplace_back(socket);
  }
  if (!elsewhere) return;
  // Before a byte is sent, so that no password goes there.
  g_socket_shutdown(socket, TRUE, TRUE, nullptr);
  const GstPtr<GstElement> source(static_cast<GstElement*>(g_weak_ref_get(&source_)));
  if (source != nullptr) {
    Fail(source.get(), "the camera redirects to " + server + "; redirects to another server are not followed");
  }
}

void Guard::CheckConnections() {
  const uint64_t frames = frames_;
  bool exceeded = false;
  {
    const std::lock_guard lock(mutex_);
    uint64_t received = 0;
    for (WeakSocket& known : sockets_) {
      if (const GstPtr<GSocket> socket = known.Get(); socket != nullptr) received += ReceivedBytes(socket.get());
    }
    if (std::exchange(frames_at_received_, frames) != frames) received_before_ = received;
    received_before_ = std::min(received_before_, received);
    exceeded = received - received_before_ > kMaxBytesPerFrame;
    if (exceeded) {
      for (WeakSocket& known : sockets_) {
        if (const GstPtr<GSocket> socket = known.Get(); socket != nullptr) {
          g_socket_shutdown(socket.get(), TRUE, TRUE, nullptr);
        }
      }
      sockets_.clear();
    }
  }
  if (!exceeded) return;
  const GstPtr<GstElement> source(static_cast<GstElement*>(g_weak_ref_get(&source_)));
  if (source != nullptr) Fail(source.get(), TooManyBytes());
}

}  // namespace fastsamd
