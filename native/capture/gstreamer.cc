#include "capture/gstreamer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <string_view>

namespace fastsamd {
namespace {

/// Bytes of a text that a camera may have written: an HTTP reason phrase has no limit of its own.
constexpr size_t kMaxForeignText = 1024;

/// Text of others on one line, cut at kMaxForeignText, without the full stop that GStreamer ends its messages with.
std::string OneLine(const char* text) {
  if (text == nullptr) return {};
  std::string line(text, strnlen(text, kMaxForeignText + 1));
  if (line.size() > kMaxForeignText) {
    size_t end = kMaxForeignText;
    // Not within a UTF-8 sequence.
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
    line.resize(end);
    line += "…";
  }
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
  return line;
}

/// The Debian package of an element that pipelines of ours and of users' configurations commonly name.
std::string_view PackageOf(std::string_view element) {
  struct Entry {
    std::string_view prefix;
    std::string_view package;
  };
  static constexpr std::array kPackages{
      Entry{"avdec_", "gstreamer1.0-libav"},
      Entry{"avenc_", "gstreamer1.0-libav"},
      Entry{"x264enc", "gstreamer1.0-plugins-ugly"},
      Entry{"openh264", "gstreamer1.0-plugins-bad"},
      Entry{"h264parse", "gstreamer1.0-plugins-bad"},
      Entry{"h265parse", "gstreamer1.0-plugins-bad"},
      Entry{"v4l2", "gstreamer1.0-plugins-good"},
      Entry{"rtsp", "gstreamer1.0-plugins-good"},
      Entry{"jpegdec", "gstreamer1.0-plugins-good"},
      Entry{"qtdemux", "gstreamer1.0-plugins-good"},
      Entry{"mp4mux", "gstreamer1.0-plugins-good"},
      Entry{"matroska", "gstreamer1.0-plugins-good"},
      Entry{"decodebin", "gstreamer1.0-plugins-base"},
      Entry{"uridecodebin", "gstreamer1.0-plugins-base"},
      Entry{"video", "gstreamer1.0-plugins-base"},
      Entry{"app", "gstreamer1.0-plugins-base"},
      Entry{"nv", "nvidia-l4t-gstreamer"},
  };
  for (const Entry& entry : kPackages) {
    if (element.substr(0, entry.prefix.size()) == entry.prefix) return entry.package;
  }
  return {};
}

std::string MissingElement(const char* element) {
  std::string message = std::string("GStreamer has no element \"") + OneLine(element) + "\"";
  const std::string_view package = PackageOf(element);
  if (package.empty()) return message + "; install the plugin package that holds it";
  return message + "; install " + std::string(package);
}

/// "path: " when the message comes from an element that reads or writes a local file or device that `text` does not
/// name already, else empty. URIs are left out because they may hold credentials.
std::string Subject(GstMessage* message, const std::string& text) {
  GstObject* source = GST_MESSAGE_SRC(message);
  if (source == nullptr) return {};
  for (const char* property : {"location", "device"}) {
    GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(source), property);
    if (spec == nullptr || spec->value_type != G_TYPE_STRING || (spec->flags & G_PARAM_READABLE) == 0) continue;
    gchar* value = nullptr;
    g_object_get(source, property, &value, nullptr);
    const GstPtr<gchar> owned(value);
    if (value == nullptr || std::strstr(value, "://") != nullptr) continue;
    if (text.find(value) == std::string::npos) return OneLine(value) + ": ";
  }
  return {};
}

/// `missing` as MissingPlugin gives it, or GStreamer's own `text`.
std::string MissingCodec(const std::string& missing, const std::string& text) {
  if (missing.empty()) return text;
  return "GStreamer has no plugin for: " + missing + "; install gstreamer1.0-libav or the plugin package that holds it";
}

ErrorCode ResourceCode(int code) {
  switch (code) {
    case GST_RESOURCE_ERROR_NOT_FOUND:
      return ErrorCode::kSourceNotFound;
    case GST_RESOURCE_ERROR_SETTINGS:
      return ErrorCode::kSourceUnsupported;
    case GST_RESOURCE_ERROR_OPEN_WRITE:
    case GST_RESOURCE_ERROR_WRITE:
    case GST_RESOURCE_ERROR_NO_SPACE_LEFT:
      return ErrorCode::kOutputUnwritable;
    default:
      return ErrorCode::kSourceLost;
  }
}

/// The status of the HTTP answer that an error is about; 0 when it is about something else.
guint HttpStatus(GstMessage* message) {
  const GstStructure* details = nullptr;
  gst_message_parse_error_details(message, &details);
  guint status = 0;
  if (details != nullptr) gst_structure_get_uint(details, "http-status-code", &status);
  return status;
}

/// An HTTP source that read nothing for its timeout asks for the rest; a live stream has none, and the complaint about
/// that hides what happened.
bool IsInterruptedHttp(GstMessage* message, const GError& error) {
  if (error.code != GST_RESOURCE_ERROR_SEEK || !GST_IS_ELEMENT(GST_MESSAGE_SRC(message))) return false;
  GstElementFactory* factory = gst_element_get_factory(GST_ELEMENT(GST_MESSAGE_SRC(message)));
  return factory != nullptr && std::strcmp(GST_OBJECT_NAME(factory), "souphttpsrc") == 0;
}

Error StreamError(const GError& error, const char* debug, const std::string& missing) {
  const std::string text = OneLine(error.message);
  const auto debug_has = [debug](const char* word) { return debug != nullptr && std::strstr(debug, word) != nullptr; };
  switch (error.code) {
    case GST_STREAM_ERROR_CODEC_NOT_FOUND:
    case GST_STREAM_ERROR_NOT_IMPLEMENTED:
      return {ErrorCode::kSourceUnsupported, MissingCodec(missing, text)};
    case GST_STREAM_ERROR_DECRYPT:
    case GST_STREAM_ERROR_DECRYPT_NOKEY:
      return {ErrorCode::kSourceUnsupported, "the stream is encrypted (" + text + ")"};
    case GST_STREAM_ERROR_FAILED:
      if (debug_has("not-negotiated")) {
        return {ErrorCode::kSourceUnsupported,
                "the source does not deliver the format, size or rate that was asked for (not negotiated)"};
      }
      if (debug_has("not-linked")) return {ErrorCode::kSourceCorrupt, "expected a video, found no video stream in it"};
      return {ErrorCode::kSourceLost, text};
    default:  // WRONG_TYPE, TYPE_NOT_FOUND, DEMUX, DECODE, FORMAT
      return {ErrorCode::kSourceCorrupt, "expected a video: " + text};
  }
}

}  // namespace

Status InitGStreamer() {
  static std::once_flag once;
  static std::string failure;
  std::call_once(once, [] {
    // A library inside Node leaves the process' signal handlers alone. The registry scanner stays a process of its
    // own (fork and exec at once), so that a broken plugin cannot take this process down.
    gst_segtrap_set_enabled(FALSE);
    GError* error = nullptr;
    if (gst_init_check(nullptr, nullptr, &error) == TRUE) return;
    const GstPtr<GError> owned(error);
    failure = "GStreamer does not initialise: " + OneLine(error == nullptr ? "unknown reason" : error->message);
  });
  if (!failure.empty()) return Error{ErrorCode::kSourceUnsupported, failure};
  return Ok();
}

Result<bool> HasElement(const std::string& name) {
  if (const Status ready = InitGStreamer(); !ready.ok()) return ready.error();
  return GstPtr<GstElementFactory>(gst_element_factory_find(name.c_str())) != nullptr;
}

Result<GstPtr<GstElement>> ParsePipeline(const std::string& description) {
  const GstPtr<GstParseContext> context(gst_parse_context_new());
  GError* raw_error = nullptr;
  GstElement* element =
      gst_parse_launch_full(description.c_str(), context.get(), GST_PARSE_FLAG_FATAL_ERRORS, &raw_error);
  const GstPtr<GError> error(raw_error);
  GstPtr<GstElement> pipeline(element == nullptr ? nullptr : GST_ELEMENT(gst_object_ref_sink(element)));
  if (error != nullptr) {
    const GstPtr<gchar*> missing(gst_parse_context_get_missing_elements(context.get()));
    // An element whose property is unknown counts as missing, too.
    if (error->code == GST_PARSE_ERROR_NO_SUCH_ELEMENT && missing != nullptr && missing.get()[0] != nullptr) {
      return Error{ErrorCode::kSourceUnsupported, MissingElement(missing.get()[0])};
    }
    return Error{ErrorCode::kSourceUnsupported, "GStreamer cannot build the pipeline: " + OneLine(error->message)};
  }
  if (pipeline == nullptr || !GST_IS_PIPELINE(pipeline.get())) {
    return Error{ErrorCode::kMisuse, "expected a pipeline of at least two elements in gst-launch syntax"};
  }
  return pipeline;
}

void ForEachElement(GstBin* bin, std::function<void(GstElement*)> visit) {
  using Visit = std::function<void(GstElement*)>;
  auto owned = std::make_unique<Visit>(std::move(visit));
  GstIterator* elements = gst_bin_iterate_recurse(bin);
  const auto present = [](const GValue* item, gpointer data) {
    (*static_cast<Visit*>(data))(GST_ELEMENT(g_value_get_object(item)));
  };
  gst_iterator_foreach(elements, present, owned.get());
  gst_iterator_free(elements);
  const auto added =
      +[](GstBin*, GstBin*, GstElement* element, gpointer data) { (*static_cast<Visit*>(data))(element); };
  g_signal_connect_data(
      bin, "deep-element-added", G_CALLBACK(added), owned.release(),
      [](gpointer data, GClosure*) { delete static_cast<Visit*>(data); }, GConnectFlags(0));
}

Error TranslateError(GstMessage* message, const std::string& missing) {
  GError* raw_error = nullptr;
  gchar* raw_debug = nullptr;
  gst_message_parse_error(message, &raw_error, &raw_debug);
  const GstPtr<GError> error(raw_error);
  const GstPtr<gchar> debug(raw_debug);
  const std::string text = OneLine(error->message);
  const std::string subject = Subject(message, text);
  if (error->domain == GST_RESOURCE_ERROR) {
    if (IsInterruptedHttp(message, *error)) {
      return {ErrorCode::kSourceLost, "the server fell silent in the middle of the stream"};
    }
    if (const guint status = HttpStatus(message); status >= 300 && status < 400) {
      return {ErrorCode::kSourceLost, "the server redirects to another address (HTTP status " + std::to_string(status) +
                                          "), which is not followed; give that address as the source"};
    }
    return {ResourceCode(error->code), subject + text};
  }
  if (error->domain == GST_STREAM_ERROR) {
    Error translated = StreamError(*error, debug.get(), missing);
    translated.message.insert(0, subject);
    return translated;
  }
  if (error->domain == GST_CORE_ERROR && error->code == GST_CORE_ERROR_MISSING_PLUGIN) {
    return {ErrorCode::kSourceUnsupported, MissingCodec(missing, text)};
  }
  if (error->domain == GST_CORE_ERROR && error->code == GST_CORE_ERROR_NEGOTIATION) {
    return {ErrorCode::kSourceUnsupported, subject + text};
  }
  return {ErrorCode::kSourceLost, subject + text};
}

std::string MissingPlugin(GstMessage* message) {
  const GstStructure* structure = gst_message_get_structure(message);
  if (structure == nullptr || gst_structure_has_name(structure, "missing-plugin") == FALSE) return {};
  return OneLine(gst_structure_get_string(structure, "name"));
}

}  // namespace fastsamd
