#include "capture/decoders.h"

#include <gst/video/video.h>

#include <cstring>
#include <string_view>

#include "capture/gstreamer.h"

namespace fastsamd {
namespace {

bool HasKlass(GstElementFactory* factory, const char* word) {
  const gchar* klass = gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS);
  return klass != nullptr && std::strstr(klass, word) != nullptr;
}

constexpr const char* kContainerColorimetry = "fastsamd-container-colorimetry";

/// Puts `caps` in the place of the event of a probe.
void ReplaceCaps(GstPadProbeInfo* info, const GstPtr<GstCaps>& caps) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(caps.get());
  gst_event_unref(event);
}

/// The caps of the event of a probe; null for other events. Borrowed.
GstCaps* CapsOf(GstPadProbeInfo* info) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  GstCaps* caps = nullptr;
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) gst_event_parse_caps(event, &caps);
  return caps;
}

/// Keeps what the container says away from a parser, which would prefer it to what the stream says about itself.
GstPadProbeReturn OnContainerCaps(GstPad*, GstPadProbeInfo* info, gpointer parser) {
  const GstCaps* caps = CapsOf(info);
  if (caps == nullptr) return GST_PAD_PROBE_OK;
  const gchar* colorimetry = gst_structure_get_string(gst_caps_get_structure(caps, 0), "colorimetry");
  g_object_set_data_full(G_OBJECT(parser), kContainerColorimetry, g_strdup(colorimetry), g_free);
  if (colorimetry == nullptr) return GST_PAD_PROBE_OK;
  const GstPtr<GstCaps> bare(gst_caps_copy(caps));
  gst_structure_remove_field(gst_caps_get_structure(bare.get(), 0), "colorimetry");
  ReplaceCaps(info, bare);
  return GST_PAD_PROBE_OK;
}

/// Puts it back where the stream says nothing.
GstPadProbeReturn OnParsedCaps(GstPad*, GstPadProbeInfo* info, gpointer parser) {
  const GstCaps* caps = CapsOf(info);
  const auto* container = static_cast<const gchar*>(g_object_get_data(G_OBJECT(parser), kContainerColorimetry));
  if (caps == nullptr || container == nullptr) return GST_PAD_PROBE_OK;
  if (gst_structure_has_field(gst_caps_get_structure(caps, 0), "colorimetry") == TRUE) return GST_PAD_PROBE_OK;
  const GstPtr<GstCaps> completed(gst_caps_copy(caps));
  gst_caps_set_simple(completed.get(), "colorimetry", G_TYPE_STRING, container, nullptr);
  ReplaceCaps(info, completed);
  return GST_PAD_PROBE_OK;
}

/// The colorimetry of caps; false when they have none.
bool ReadColorimetry(const GstCaps* caps, GstVideoColorimetry* colorimetry) {
  if (caps == nullptr || gst_caps_get_size(caps) == 0) return false;
  const gchar* text = gst_structure_get_string(gst_caps_get_structure(caps, 0), "colorimetry");
  return text != nullptr && gst_video_colorimetry_from_string(colorimetry, text) == TRUE;
}

/// Replaces the caps that a decoder announces by the same with the range and matrix of what it decodes.
GstPadProbeReturn OnDecodedCaps(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  const GstCaps* announced = CapsOf(info);
  if (announced == nullptr) return GST_PAD_PROBE_OK;
  const GstPtr<GstElement> decoder(gst_pad_get_parent_element(pad));
  if (decoder == nullptr) return GST_PAD_PROBE_OK;
  const GstPtr<GstPad> sink(gst_element_get_static_pad(decoder.get(), "sink"));
  if (sink == nullptr) return GST_PAD_PROBE_OK;
  const GstPtr<GstCaps> encoded(gst_pad_get_current_caps(sink.get()));
  GstVideoInfo decoded;
  GstVideoColorimetry named = {};
  if (!ReadColorimetry(encoded.get(), &named) || gst_video_info_from_caps(&decoded, announced) == FALSE ||
      !GST_VIDEO_INFO_IS_YUV(&decoded)) {
    return GST_PAD_PROBE_OK;
  }
  GstVideoColorimetry colorimetry = GST_VIDEO_INFO_COLORIMETRY(&decoded);
  if (named.range != GST_VIDEO_COLOR_RANGE_UNKNOWN) colorimetry.range = named.range;
  if (named.matrix != GST_VIDEO_COLOR_MATRIX_UNKNOWN) colorimetry.matrix = named.matrix;
  if (gst_video_colorimetry_is_equal(&colorimetry, &GST_VIDEO_INFO_COLORIMETRY(&decoded)) == TRUE) {
    return GST_PAD_PROBE_OK;
  }
  const GstPtr<GstCaps> corrected(gst_caps_copy(announced));
  const GstPtr<gchar> text(gst_video_colorimetry_to_string(&colorimetry));
  gst_caps_set_simple(corrected.get(), "colorimetry", G_TYPE_STRING, text.get(), nullptr);
  ReplaceCaps(info, corrected);
  return GST_PAD_PROBE_OK;
}

}  // namespace

void TuneDecoder(GstElement* element) {
  GstElementFactory* factory = gst_element_get_factory(element);
  if (factory == nullptr) return;
  const std::string_view name = GST_OBJECT_NAME(factory);
  const auto probe = [element](const char* pad_name, GstPadProbeCallback callback) {
    const GstPtr<GstPad> pad(gst_element_get_static_pad(element, pad_name));
    if (pad == nullptr) return;
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, callback, element, nullptr);
  };
  if (name == "jpegdec") {
    gst_util_set_object_arg(G_OBJECT(element), "idct-method", "islow");
  } else if (name == "h264parse" || name == "h265parse") {
    probe("sink", &OnContainerCaps);
    probe("src", &OnParsedCaps);
  } else if (HasKlass(factory, "Decoder") && HasKlass(factory, "Video")) {
    probe("src", &OnDecodedCaps);
  }
}

}  // namespace fastsamd
