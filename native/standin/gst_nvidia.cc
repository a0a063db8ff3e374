// A GStreamer plugin with the elements that NVIDIA's have on a Jetson: the same names, caps and properties, and the
// habits that pipelines have to know about. "Device memory" (memory:NVMM) is a name on system memory here, but for the
// frames of nvvidconv (gst_nvvidconv.cc) when the stand-in for libnvbufsurface is named. For tests: GST_PLUGIN_PATH.
//   FASTSAMD_STANDIN_JETSON=thor       nvv4l2decoder decodes no JPEG and has no property mjpeg
//   FASTSAMD_STANDIN_DECODER=broken    nvv4l2decoder fails at its first buffer
//   FASTSAMD_STANDIN_DECODER=hanging   nvv4l2decoder takes all buffers and gives no frame
//   FASTSAMD_STANDIN_DECODER=failing   the same, after an error that another thread posts while decodebin tries the
//   decoder
#include "standin/gst_nvidia.h"

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <string>
#include <thread>
#include <vector>

namespace {

GstElement* Make(const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  if (element == nullptr) g_error("stand-in: no element %s", factory);
  return element;
}

// ---- the label: system memory in, "device memory" out
// -----------------------------------------------------------------

struct Label {
  GstBaseTransform parent;
};
struct LabelClass {
  GstBaseTransformClass parent;
};
G_DEFINE_TYPE(Label, label, GST_TYPE_BASE_TRANSFORM)

GstCaps* LabelCaps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  GstCaps* result = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstStructure* structure = gst_structure_copy(gst_caps_get_structure(caps, i));
    ForgetColours(structure);
    gst_caps_append_structure_full(result, structure,
                                   direction == GST_PAD_SINK ? gst_caps_features_new(kNvmm, nullptr) : nullptr);
  }
  if (filter != nullptr) {
    GstCaps* both = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(result);
    result = both;
  }
  return result;
}

void label_class_init(LabelClass* klass) {
  GstElementClass* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "label", "Filter", "stand-in", "fastsamd");
  gst_element_class_add_pad_template(
      element, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, gst_caps_from_string("video/x-raw")));
  gst_element_class_add_pad_template(element, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                                                                   gst_caps_from_string("video/x-raw(memory:NVMM)")));
  GstBaseTransformClass* transform = GST_BASE_TRANSFORM_CLASS(klass);
  transform->transform_caps = LabelCaps;
  transform->transform_ip = [](GstBaseTransform*, GstBuffer*) { return GST_FLOW_OK; };
}
void label_init(Label*) {}

GstElement* MakeLabel() { return GST_ELEMENT(g_object_new(label_get_type(), nullptr)); }

// ---- bins around decoders and a camera
// ---------------------------------------------------------------------------------

struct Decoder {
  GstBin parent;
  gboolean mjpeg, disable_dpb, fast;
};
struct DecoderClass {
  GstBinClass parent;
};
G_DEFINE_TYPE(Decoder, decoder, GST_TYPE_BIN)
struct JpegDecoder {
  GstBin parent;
};
struct JpegDecoderClass {
  GstBinClass parent;
};
G_DEFINE_TYPE(JpegDecoder, jpeg_decoder, GST_TYPE_BIN)
struct Camera {
  GstBin parent;
  gint sensor;
};
struct CameraClass {
  GstBinClass parent;
};
G_DEFINE_TYPE(Camera, camera, GST_TYPE_BIN)

std::string DecodableCaps() {
  std::string caps =
      "video/x-h264,stream-format=(string)byte-stream,alignment=(string)au;"
      "video/x-h265,stream-format=(string)byte-stream,alignment=(string)au";
  if (!Is("FASTSAMD_STANDIN_JETSON", "thor")) caps = "image/jpeg;" + caps;
  return caps;
}

void AddGhost(GstElement* bin, GstElement* element, const char* name) {
  GstPad* target = gst_element_get_static_pad(element, name);
  GstPadTemplate* templ = gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(bin), name);
  gst_element_add_pad(bin, gst_ghost_pad_new_from_template(name, target, templ));
  gst_object_unref(target);
}

struct Inside {
  GstElement* bin;
  GstElement* first;
  GstElement* rest;
  bool made;
};

/// A broken decoder ends the stream with an error, as NVIDIA's does: decodebin may swallow the message of an element
/// that it is still trying, and would wait for frames for ever.
GstPadProbeReturn OnBuffer(GstPad*, GstPadProbeInfo* info, gpointer) {
  gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
  return GST_PAD_PROBE_HANDLED;
}

/// A decoder that hangs takes what comes, and says nothing: no frame, no error and no end.
GstPadProbeReturn Swallow(GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_DROP; }
GstPadProbeReturn SwallowEnd(GstPad*, GstPadProbeInfo* info, gpointer) {
  return GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

/// What is inside depends on what comes in.
GstPadProbeReturn OnCaps(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* inside = static_cast<Inside*>(data);
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS || inside->made) return GST_PAD_PROBE_OK;
  if (Is("FASTSAMD_STANDIN_DECODER", "broken")) {
    GST_ELEMENT_ERROR(inside->bin, STREAM, DECODE, ("Failed to process frame."), ("stand-in"));
    return GST_PAD_PROBE_OK;
  }
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  const char* name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
  GstElement* decoder = Make(std::strcmp(name, "image/jpeg") == 0     ? "jpegdec"
                             : std::strcmp(name, "video/x-h264") == 0 ? "avdec_h264"
                                                                      : "avdec_h265");
  gst_bin_add(GST_BIN(inside->bin), decoder);
  gst_element_link(decoder, inside->rest);
  gst_element_link(inside->first, decoder);
  gst_element_sync_state_with_parent(decoder);
  inside->made = true;
  return GST_PAD_PROBE_OK;
}

void FillDecoder(GstElement* bin, const char* caps_text, const char* format) {
  GstElement* first = Make("capsfilter");
  GstElement* convert = Make("videoconvert");
  GstElement* caps = Make("capsfilter");
  GstElement* label = MakeLabel();
  GstCaps* in = gst_caps_from_string(caps_text);
  GstCaps* out = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, format, nullptr);
  g_object_set(first, "caps", in, nullptr);
  g_object_set(caps, "caps", out, nullptr);
  gst_caps_unref(in);
  gst_caps_unref(out);
  gst_bin_add_many(GST_BIN(bin), first, convert, caps, label, nullptr);
  gst_element_link_many(convert, caps, label, nullptr);
  AddGhost(bin, first, "sink");
  AddGhost(bin, label, "src");
  GstPad* pad = gst_element_get_static_pad(first, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, OnCaps, new Inside{bin, first, convert, false},
                    [](gpointer data) { delete static_cast<Inside*>(data); });
  if (Is("FASTSAMD_STANDIN_DECODER", "broken")) {
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, OnBuffer, nullptr, nullptr);
  } else if (Is("FASTSAMD_STANDIN_DECODER", "hanging") || Is("FASTSAMD_STANDIN_DECODER", "failing")) {
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, Swallow, nullptr, nullptr);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, SwallowEnd, nullptr, nullptr);
  }
  gst_object_unref(pad);
}

void AddTemplates(GstElementClass* element, const char* sink, const char* src) {
  if (sink != nullptr) {
    gst_element_class_add_pad_template(
        element, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, gst_caps_from_string(sink)));
  }
  gst_element_class_add_pad_template(
      element, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, gst_caps_from_string(src)));
}

void decoder_class_init(DecoderClass* klass) {
  GObjectClass* object = G_OBJECT_CLASS(klass);
  object->set_property = [](GObject* self, guint id, const GValue* value, GParamSpec*) {
    auto* decoder = reinterpret_cast<Decoder*>(self);
    (id == 1 ? decoder->mjpeg : id == 2 ? decoder->disable_dpb : decoder->fast) = g_value_get_boolean(value);
  };
  object->get_property = [](GObject* self, guint id, GValue* value, GParamSpec*) {
    const auto* decoder = reinterpret_cast<const Decoder*>(self);
    g_value_set_boolean(value, id == 1 ? decoder->mjpeg : id == 2 ? decoder->disable_dpb : decoder->fast);
  };
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  if (!Is("FASTSAMD_STANDIN_JETSON", "thor")) {
    g_object_class_install_property(object, 1, g_param_spec_boolean("mjpeg", "", "", FALSE, flags));
  }
  g_object_class_install_property(object, 2, g_param_spec_boolean("disable-dpb", "", "", FALSE, flags));
  g_object_class_install_property(object, 3, g_param_spec_boolean("enable-max-performance", "", "", FALSE, flags));
  GstElementClass* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "nvv4l2decoder", "Codec/Decoder/Video", "stand-in", "fastsamd");
  AddTemplates(element, DecodableCaps().c_str(), "video/x-raw(memory:NVMM),format=NV12");
  if (!Is("FASTSAMD_STANDIN_DECODER", "failing")) return;
  element->change_state = [](GstElement* self, GstStateChange change) {
    if (change == GST_STATE_CHANGE_READY_TO_PAUSED) {
      std::thread([self] {
        GST_ELEMENT_ERROR(self, STREAM, DECODE, ("The decoder stopped working."), ("stand-in"));
      }).join();
    }
    return GST_ELEMENT_CLASS(decoder_parent_class)->change_state(self, change);
  };
}
void decoder_init(Decoder* self) { FillDecoder(GST_ELEMENT(self), DecodableCaps().c_str(), "NV12"); }

void jpeg_decoder_class_init(JpegDecoderClass* klass) {
  GstElementClass* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "nvjpegdec", "Codec/Decoder/Image", "stand-in", "fastsamd");
  AddTemplates(element, "image/jpeg", "video/x-raw(memory:NVMM),format=I420");
}
void jpeg_decoder_init(JpegDecoder* self) { FillDecoder(GST_ELEMENT(self), "image/jpeg", "I420"); }

void camera_class_init(CameraClass* klass) {
  GObjectClass* object = G_OBJECT_CLASS(klass);
  object->set_property = [](GObject* self, guint, const GValue* value, GParamSpec*) {
    reinterpret_cast<Camera*>(self)->sensor = g_value_get_int(value);
  };
  object->get_property = [](GObject* self, guint, GValue* value, GParamSpec*) {
    g_value_set_int(value, reinterpret_cast<Camera*>(self)->sensor);
  };
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(object, 1, g_param_spec_int("sensor-id", "", "", 0, 255, 0, flags));
  GstElementClass* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "nvarguscamerasrc", "Video/Capture", "stand-in", "fastsamd");
  AddTemplates(element, nullptr, "video/x-raw(memory:NVMM),format=NV12");
  // Two sensors are there.
  element->change_state = [](GstElement* self, GstStateChange change) {
    if (change == GST_STATE_CHANGE_READY_TO_PAUSED && reinterpret_cast<Camera*>(self)->sensor > 1) {
      GST_ELEMENT_ERROR(self, RESOURCE, FAILED, ("No cameras available"), ("stand-in"));
      return GST_STATE_CHANGE_FAILURE;
    }
    return GST_ELEMENT_CLASS(camera_parent_class)->change_state(self, change);
  };
}
void camera_init(Camera* self) {
  GstElement* source = Make("videotestsrc");
  GstElement* caps = Make("capsfilter");
  GstElement* label = MakeLabel();
  gst_util_set_object_arg(G_OBJECT(source), "pattern", "smpte");
  g_object_set(source, "is-live", TRUE, nullptr);
  GstCaps* nv12 = gst_caps_from_string("video/x-raw,format=NV12");
  g_object_set(caps, "caps", nv12, nullptr);
  gst_caps_unref(nv12);
  gst_bin_add_many(GST_BIN(self), source, caps, label, nullptr);
  gst_element_link_many(source, caps, label, nullptr);
  AddGhost(GST_ELEMENT(self), label, "src");
}

gboolean Register(GstPlugin* plugin) {
  // As JetPack ranks them: decodebin takes them before any other.
  return gst_element_register(plugin, "nvvidconv", GST_RANK_PRIMARY, NvvidconvType()) &&
         gst_element_register(plugin, "nvv4l2decoder", GST_RANK_PRIMARY + 11, decoder_get_type()) &&
         gst_element_register(plugin, "nvjpegdec", GST_RANK_PRIMARY + 10, jpeg_decoder_get_type()) &&
         gst_element_register(plugin, "nvarguscamerasrc", GST_RANK_PRIMARY, camera_get_type());
}

}  // namespace

#define PACKAGE "fastsamd"
extern "C" {
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, nvstandin, "stand-ins for NVIDIA's elements", Register, "1.0",
                  "BSD", "fastsamd", "fastsamd")
}
