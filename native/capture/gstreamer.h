#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <functional>
#include <memory>
#include <string>

#include "core/result.h"

namespace fastsamd {

struct GstDeleter {
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstBus* bus) const { gst_object_unref(bus); }
  void operator()(GstPad* pad) const { gst_object_unref(pad); }
  void operator()(GstElementFactory* factory) const { gst_object_unref(factory); }
  void operator()(GstClock* clock) const { gst_object_unref(clock); }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
  void operator()(GstMessage* message) const { gst_message_unref(message); }
  void operator()(GstCaps* caps) const { gst_caps_unref(caps); }
  void operator()(GSocket* socket) const { g_object_unref(socket); }
  void operator()(GError* error) const { g_error_free(error); }
  void operator()(GstParseContext* context) const { gst_parse_context_free(context); }
  void operator()(gchar* text) const { g_free(text); }
  void operator()(gchar** texts) const { g_strfreev(texts); }
};

/// Owns one reference of a GStreamer or GLib object.
template <typename T>
using GstPtr = std::unique_ptr<T, GstDeleter>;

/// Initialises GStreamer once per process. Errors: kSourceUnsupported when it cannot be.
Status InitGStreamer();

/// Whether an installed plugin has this element. Errors: as InitGStreamer.
Result<bool> HasElement(const std::string& name);

/// Builds a pipeline from gst-launch syntax; starts nothing. Errors: kSourceUnsupported naming the missing element and
/// its Debian package, kMisuse for text that is no pipeline.
Result<GstPtr<GstElement>> ParsePipeline(const std::string& description);

/// Calls `visit` for every element of `bin` at any depth, and later for each one that is added, on the thread that adds
/// it, until the bin is gone.
void ForEachElement(GstBin* bin, std::function<void(GstElement*)> visit);

/// What an ERROR message means to us, on one line. `missing` is what a "missing-plugin" message before it named, or
/// empty.
Error TranslateError(GstMessage* message, const std::string& missing);

/// The name in a "missing-plugin" element message, like "H.265 (Main Profile) decoder"; empty for other messages.
std::string MissingPlugin(GstMessage* message);

}  // namespace fastsamd
