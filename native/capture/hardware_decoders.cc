#include "capture/hardware_decoders.h"

#include <algorithm>
#include <cstring>

#include "capture/gstreamer.h"

namespace fastsamd {
namespace {

/// GstAutoplugSelectResult, of which there is no header.
enum AutoplugSelect : gint { kTry = 0, kSkip = 2 };

/// JPEG: full range, BT.601.
constexpr const char* kJpegColorimetry = "1:4:0:0";

const char* NameOf(GstElement* element) {
  GstElementFactory* factory = gst_element_get_factory(element);
  return factory == nullptr ? "" : GST_OBJECT_NAME(factory);
}

bool StartsWith(const char* text, const char* prefix) { return std::strncmp(text, prefix, std::strlen(prefix)) == 0; }

bool IsDecodeBin(const char* name) { return StartsWith(name, "decodebin") || StartsWith(name, "uridecodebin"); }

/// Elements of NVIDIA whose output caps have no colorimetry.
bool DropsColorimetry(const char* name) {
  return std::strcmp(name, "nvv4l2decoder") == 0 || std::strcmp(name, "nvjpegdec") == 0 ||
         std::strcmp(name, "nvvidconv") == 0;
}

/// By its kind ("Codec/Decoder/Video/Hardware"), and by name where the kind does not say so.
bool UsesHardware(GstElementFactory* factory) {
  const char* kind = gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS);
  if (kind == nullptr || std::strstr(kind, "Decoder") == nullptr) return false;
  const char* name = GST_OBJECT_NAME(factory);
  return std::strstr(kind, "Hardware") != nullptr || StartsWith(name, "nv") || StartsWith(name, "omx");
}

void Set(GstElement* element, const char* property) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), property) != nullptr) {
    g_object_set(element, property, TRUE, nullptr);
  }
}

/// Buffers of nvvidconv in device memory. By default it has four.
constexpr guint kConverterBuffers = 8;
/// Of these: the one that is being filled, one in the sink and one that waits to be read.
constexpr int kBuffersUnderWay = 3;

using Shared = std::shared_ptr<HardwareDecoders>;

void Release(gpointer data, GClosure*) { delete static_cast<Shared*>(data); }

}  // namespace

void HardwareDecoders::Watch(const std::shared_ptr<HardwareDecoders>& decoders, GstBin* bin, DecoderChoice choice) {
  decoders->choice_ = choice;
  ForEachElement(bin, [decoders](GstElement* element) { OnElement(element, decoders); });
}

GstVideoColorimetry HardwareDecoders::colorimetry() const {
  const std::lock_guard lock(mutex_);
  return colorimetry_;
}

void HardwareDecoders::OnElement(GstElement* element, const Shared& decoders) {
  const char* name = NameOf(element);
  if (IsDecodeBin(name)) {
    g_signal_connect_data(element, "autoplug-select", G_CALLBACK(&HardwareDecoders::OnSelect), new Shared(decoders),
                          &Release, static_cast<GConnectFlags>(0));
  }
  GstElementFactory* factory = gst_element_get_factory(element);
  if (factory != nullptr && UsesHardware(factory)) decoders->Count(element, decoders);
  if (!DropsColorimetry(name)) return;
  if (std::strcmp(name, "nvvidconv") == 0) decoders->TuneConverter(element);
  // Decodes at full clock: a frame is ready some milliseconds sooner.
  Set(element, "enable-max-performance");
  const GstPtr<GstPad> pad(gst_element_get_static_pad(element, "sink"));
  if (pad == nullptr) return;
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, &HardwareDecoders::OnCaps, new Shared(decoders),
                    [](gpointer shared) { delete static_cast<Shared*>(shared); });
}

std::string HardwareDecoders::Hanging() const {
  if (taken_ == 0 || given_ != 0) return {};
  return "the hardware decoder has taken " + std::to_string(taken_) + " compressed pictures and given no frame";
}

void HardwareDecoders::Count(GstElement* decoder, const Shared& decoders) {
  const auto count = [&](const char* name, GstPadProbeCallback callback) {
    const GstPtr<GstPad> pad(gst_element_get_static_pad(decoder, name));
    if (pad == nullptr) return;
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, callback, new Shared(decoders),
                      [](gpointer shared) { delete static_cast<Shared*>(shared); });
  };
  count("sink", [](GstPad*, GstPadProbeInfo*, gpointer data) {
    ++(*static_cast<const Shared*>(data))->taken_;
    return GST_PAD_PROBE_OK;
  });
  // One frame is enough to know.
  count("src", [](GstPad*, GstPadProbeInfo*, gpointer data) {
    ++(*static_cast<const Shared*>(data))->given_;
    return GST_PAD_PROBE_REMOVE;
  });
}

/// Properties that an older nvvidconv lacks are left alone: frames that are block linear are then refused, see
/// nvmm/surface.h.
void HardwareDecoders::TuneConverter(GstElement* element) {
  GObjectClass* properties = G_OBJECT_GET_CLASS(element);
  if (g_object_class_find_property(properties, "bl-output") != nullptr) {
    g_object_set(element, "bl-output", FALSE, nullptr);
  }
  if (g_object_class_find_property(properties, "output-buffers") == nullptr) return;
  guint buffers = 0;
  g_object_get(element, "output-buffers", &buffers, nullptr);
  if (buffers < kConverterBuffers) g_object_set(element, "output-buffers", kConverterBuffers, nullptr);
  most_on_device_ = static_cast<int>(std::max(buffers, kConverterBuffers)) - kBuffersUnderWay;
}

gint HardwareDecoders::OnSelect(GstElement*, GstPad*, GstCaps* caps, GstElementFactory* factory, gpointer data) {
  const DecoderChoice choice = (*static_cast<const Shared*>(data))->choice_;
  if (choice == DecoderChoice::kAny || !UsesHardware(factory)) return kTry;
  const bool jpeg = gst_structure_has_name(gst_caps_get_structure(caps, 0), "image/jpeg") == TRUE;
  return choice == DecoderChoice::kCpu || jpeg ? kSkip : kTry;
}

GstPadProbeReturn HardwareDecoders::OnCaps(GstPad*, GstPadProbeInfo* info, gpointer data) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    (*static_cast<const Shared*>(data))->Remember(caps);
  }
  return GST_PAD_PROBE_OK;
}

void HardwareDecoders::Remember(const GstCaps* caps) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const char* text = gst_structure_has_name(structure, "image/jpeg")
                         ? kJpegColorimetry
                         : gst_structure_get_string(structure, "colorimetry");
  GstVideoColorimetry told = {};
  // Behind the first of these elements the caps name no colorimetry: what is known is kept.
  if (text == nullptr || gst_video_colorimetry_from_string(&told, text) == FALSE) return;
  // nvvidconv makes YUV of RGB with the default matrix and range.
  if (told.matrix == GST_VIDEO_COLOR_MATRIX_RGB) told = {};
  const std::lock_guard lock(mutex_);
  colorimetry_ = told;
}

}  // namespace fastsamd
