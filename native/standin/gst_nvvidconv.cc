// nvvidconv of a Jetson, as GStreamer shows it: what it converts, its habits, and what its frames are in device memory.
// When the stand-in for libnvbufsurface (nvmm.cc) is named these are surfaces, from a pool of as many buffers as
// output-buffers says.
//   FASTSAMD_NVBUFSURFACE_LIBRARY      the library of nvmm.cc
//   FASTSAMD_STANDIN_SURFACE_FORMAT    color format of its surfaces, a number (see nvmm/surface_abi.h); 6: NV12
//   FASTSAMD_STANDIN_NO_PITCH=1        nvvidconv has no property bl-output, and its surfaces are block linear
#include <dlfcn.h>
#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "standin/gst_nvidia.h"
#include "standin/nvmm.h"

namespace {

// ---- surfaces: what a frame of nvvidconv is in device memory
// -----------------------------------------------------------------

namespace abi = fastsamd::nvmm::abi;

struct Surfaces {
  decltype(&StandinSurfaceCreate) create = nullptr;
  decltype(&StandinSurfaceDestroy) destroy = nullptr;
  decltype(&StandinSurfacePlane) plane = nullptr;
};

/// Null when no library is named.
const Surfaces* LoadSurfaces() {
  static const Surfaces* loaded = []() -> const Surfaces* {
    const char* name = std::getenv("FASTSAMD_NVBUFSURFACE_LIBRARY");
    void* library = name == nullptr ? nullptr : dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return nullptr;
    auto* found = new Surfaces;
    found->create = reinterpret_cast<decltype(found->create)>(dlsym(library, "StandinSurfaceCreate"));
    found->destroy = reinterpret_cast<decltype(found->destroy)>(dlsym(library, "StandinSurfaceDestroy"));
    found->plane = reinterpret_cast<decltype(found->plane)>(dlsym(library, "StandinSurfacePlane"));
    return found->create == nullptr ? nullptr : found;
  }();
  return loaded;
}

constexpr const char* kSurfaceMemory = "standin-surface";

struct SurfaceMemory {
  GstMemory parent;
  abi::Surface* surface;
};

struct SurfaceAllocator {
  GstAllocator parent;
};
struct SurfaceAllocatorClass {
  GstAllocatorClass parent;
};
G_DEFINE_TYPE(SurfaceAllocator, surface_allocator, GST_TYPE_ALLOCATOR)

void surface_allocator_class_init(SurfaceAllocatorClass* klass) {
  GST_ALLOCATOR_CLASS(klass)->free = [](GstAllocator*, GstMemory* memory) {
    auto* own = reinterpret_cast<SurfaceMemory*>(memory);
    LoadSurfaces()->destroy(own->surface);
    delete own;
  };
}
void surface_allocator_init(SurfaceAllocator* self) {
  GstAllocator* allocator = GST_ALLOCATOR(self);
  allocator->mem_type = kSurfaceMemory;
  // Mapping gives the description of the pixels, not the pixels.
  allocator->mem_map = [](GstMemory* memory, gsize, GstMapFlags) -> gpointer {
    return reinterpret_cast<SurfaceMemory*>(memory)->surface;
  };
  allocator->mem_unmap = [](GstMemory*) {};
  GST_OBJECT_FLAG_SET(self, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

uint32_t ColorFormatOf(GstVideoFormat format) {
  return format == GST_VIDEO_FORMAT_RGBA ? abi::kRgba : format == GST_VIDEO_FORMAT_I420 ? abi::kYuv420 : abi::kNv12;
}

GstMemory* MakeSurfaceMemory(int width, int height, GstVideoFormat pixels, bool plain_rows) {
  static GstAllocator* allocator = GST_ALLOCATOR(g_object_new(surface_allocator_get_type(), nullptr));
  const char* format = std::getenv("FASTSAMD_STANDIN_SURFACE_FORMAT");
  auto* memory = new SurfaceMemory{};
  memory->surface = LoadSurfaces()->create(static_cast<uint32_t>(width), static_cast<uint32_t>(height),
                                           ColorFormatOf(pixels), plain_rows ? abi::kPitchLinear : abi::kBlockLinear);
  // The planes stay those of the caps.
  if (format != nullptr) memory->surface->pictures[0].color_format = static_cast<uint32_t>(std::atoi(format));
  gst_memory_init(GST_MEMORY_CAST(memory), GST_MEMORY_FLAG_NO_SHARE, allocator, nullptr, sizeof(abi::Surface), 0, 0,
                  sizeof(abi::Surface));
  return GST_MEMORY_CAST(memory);
}

/// A pool whose buffers are surfaces of one size.
struct SurfacePool {
  GstBufferPool parent;
  int width, height;
  GstVideoFormat format;
  bool plain_rows;
};
struct SurfacePoolClass {
  GstBufferPoolClass parent;
};
G_DEFINE_TYPE(SurfacePool, surface_pool, GST_TYPE_BUFFER_POOL)

void surface_pool_class_init(SurfacePoolClass* klass) {
  GST_BUFFER_POOL_CLASS(klass)->alloc_buffer = [](GstBufferPool* pool, GstBuffer** buffer,
                                                  GstBufferPoolAcquireParams*) {
    const auto* self = reinterpret_cast<const SurfacePool*>(pool);
    *buffer = gst_buffer_new();
    gst_buffer_append_memory(*buffer, MakeSurfaceMemory(self->width, self->height, self->format, self->plain_rows));
    return GST_FLOW_OK;
  };
}
void surface_pool_init(SurfacePool*) {}

GstBufferPool* MakeSurfacePool(GstCaps* caps, const GstVideoInfo& info, guint buffers, bool plain_rows) {
  auto* pool = static_cast<SurfacePool*>(g_object_new(surface_pool_get_type(), nullptr));
  pool->width = GST_VIDEO_INFO_WIDTH(&info);
  pool->height = GST_VIDEO_INFO_HEIGHT(&info);
  pool->format = GST_VIDEO_INFO_FORMAT(&info);
  pool->plain_rows = plain_rows;
  GstStructure* config = gst_buffer_pool_get_config(GST_BUFFER_POOL(pool));
  gst_buffer_pool_config_set_params(config, caps, sizeof(abi::Surface), 0, buffers);
  gst_buffer_pool_set_config(GST_BUFFER_POOL(pool), config);
  gst_buffer_pool_set_active(GST_BUFFER_POOL(pool), TRUE);
  return GST_BUFFER_POOL(pool);
}

/// A buffer around the pixels of a surface; null for a buffer that is no surface.
GstBuffer* PixelsOf(GstBuffer* buffer, const GstVideoInfo& info) {
  GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
  if (gst_memory_is_type(memory, kSurfaceMemory) == FALSE) return nullptr;
  abi::Surface* surface = reinterpret_cast<SurfaceMemory*>(memory)->surface;
  const abi::Params& params = surface->pictures[0];
  GstBuffer* pixels = gst_buffer_new_wrapped_full(static_cast<GstMemoryFlags>(0), LoadSurfaces()->plane(surface, 0),
                                                  params.data_size, 0, params.data_size, nullptr, nullptr);
  gsize offsets[GST_VIDEO_MAX_PLANES] = {};
  gint strides[GST_VIDEO_MAX_PLANES] = {};
  for (guint k = 0; k < params.planes.planes; ++k) {
    offsets[k] = params.planes.offset[k];
    strides[k] = static_cast<gint>(params.planes.pitch[k]);
  }
  gst_buffer_add_video_meta_full(pixels, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info), params.width,
                                 params.height, params.planes.planes, offsets, strides);
  return pixels;
}

// ---- nvvidconv
// --------------------------------------------------------------------------------------------------------

// No RGB and no BGR in three bytes, no 10 bit formats in system memory.
constexpr const char* kConvertible =
    "video/x-raw(memory:NVMM),format={NV12,I420,RGBA,BGRx,P010_10LE,NV16,NV24,UYVY,YUY2,GRAY8};"
    "video/x-raw,format={I420,UYVY,YUY2,YVYU,NV12,NV16,NV24,GRAY8,BGRx,RGBA,Y42B}";
enum { kFlipMethod = 1, kInterpolation, kBlockOutput, kOutputBuffers };

struct Convert {
  GstBaseTransform parent;
  gint flip;
  gint interpolation;
  gboolean block_output;
  guint output_buffers;
  GstBufferPool* pool;
  GstVideoInfo in, out, flat, flipped;
  GstVideoConverter *to_flat, *to_out;
};
struct ConvertClass {
  GstBaseTransformClass parent;
};
G_DEFINE_TYPE(Convert, convert, GST_TYPE_BASE_TRANSFORM)
Convert* AsConvert(void* object) { return static_cast<Convert*>(object); }

bool Swaps(int flip) { return flip == 1 || flip == 3 || flip == 5 || flip == 7; }

GstCaps* ConvertCaps(GstBaseTransform* self, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  GstCaps* any = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstStructure* structure = gst_structure_copy(gst_caps_get_structure(caps, i));
    ForgetColours(structure);
    gst_structure_remove_fields(structure, "format", "width", "height", "pixel-aspect-ratio", nullptr);
    gst_structure_set(structure, "width", GST_TYPE_INT_RANGE, 1, 32768, "height", GST_TYPE_INT_RANGE, 1, 32768,
                      nullptr);
    gst_caps_append_structure_full(any, gst_structure_copy(structure), gst_caps_features_new(kNvmm, nullptr));
    gst_caps_append_structure(any, structure);
  }
  GstPad* other = direction == GST_PAD_SINK ? self->srcpad : self->sinkpad;
  GstCaps* templ = gst_pad_get_pad_template_caps(other);
  GstCaps* result = gst_caps_intersect(templ, any);
  gst_caps_unref(templ);
  gst_caps_unref(any);
  if (filter != nullptr) {
    GstCaps* both = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(result);
    result = both;
  }
  return result;
}

GstCaps* FixateCaps(GstBaseTransform* self, GstPadDirection direction, GstCaps* caps, GstCaps* others) {
  others = gst_caps_make_writable(gst_caps_truncate(others));
  if (direction == GST_PAD_SRC) return gst_caps_fixate(others);
  const GstStructure* in = gst_caps_get_structure(caps, 0);
  GstStructure* out = gst_caps_get_structure(others, 0);
  gint width = 0, height = 0, given_width = 0, given_height = 0;
  gst_structure_get_int(in, "width", &width);
  gst_structure_get_int(in, "height", &height);
  const bool has_width = gst_structure_get_int(out, "width", &given_width) == TRUE;
  const bool has_height = gst_structure_get_int(out, "height", &given_height) == TRUE;
  if (has_width && !has_height) {
    // By the ratio of the picture before it is turned: NVIDIA's does so, too.
    gst_structure_fixate_field_nearest_int(out, "height", given_width * height / width);
  } else if (has_height && !has_width) {
    gst_structure_fixate_field_nearest_int(out, "width", given_height * width / height);
  } else if (!has_width) {
    const bool swaps = Swaps(AsConvert(self)->flip);
    gst_structure_fixate_field_nearest_int(out, "width", swaps ? height : width);
    gst_structure_fixate_field_nearest_int(out, "height", swaps ? width : height);
  }
  gst_structure_fixate_field_string(out, "format", gst_structure_get_string(in, "format"));
  return gst_caps_fixate(others);
}

void FreeConverters(Convert* self) {
  g_clear_pointer(&self->to_flat, gst_video_converter_free);
  g_clear_pointer(&self->to_out, gst_video_converter_free);
}

void DropPool(Convert* self) {
  if (self->pool != nullptr) gst_buffer_pool_set_active(self->pool, FALSE);
  g_clear_object(&self->pool);
}

/// Of the pool, which waits when all its buffers are out.
GstFlowReturn PrepareOutput(GstBaseTransform* base, GstBuffer* in, GstBuffer** out) {
  Convert* self = AsConvert(base);
  if (self->pool == nullptr) {
    return GST_BASE_TRANSFORM_CLASS(convert_parent_class)->prepare_output_buffer(base, in, out);
  }
  const GstFlowReturn acquired = gst_buffer_pool_acquire_buffer(self->pool, out, nullptr);
  if (acquired == GST_FLOW_OK) {
    gst_buffer_copy_into(*out, in, static_cast<GstBufferCopyFlags>(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS),
                         0, static_cast<gsize>(-1));
  }
  return acquired;
}

/// Samples stay what they are: what the caps said about their range is not looked at.
void Plain(GstVideoInfo* info) {
  if (GST_VIDEO_INFO_IS_YUV(info)) gst_video_colorimetry_from_string(&info->colorimetry, "bt601");
}

gboolean SetCaps(GstBaseTransform* base, GstCaps* in, GstCaps* out) {
  Convert* self = AsConvert(base);
  if (!gst_video_info_from_caps(&self->in, in) || !gst_video_info_from_caps(&self->out, out)) return FALSE;
  FreeConverters(self);
  const int width = GST_VIDEO_INFO_WIDTH(&self->in);
  const int height = GST_VIDEO_INFO_HEIGHT(&self->in);
  const bool swaps = Swaps(self->flip);
  const GstVideoFormat format = GST_VIDEO_INFO_IS_RGB(&self->in) ? GST_VIDEO_FORMAT_RGBA : GST_VIDEO_FORMAT_AYUV;
  gst_video_info_set_format(&self->flat, format, width, height);
  gst_video_info_set_format(&self->flipped, format, swaps ? height : width, swaps ? width : height);
  for (GstVideoInfo* info : {&self->in, &self->out, &self->flat, &self->flipped}) Plain(info);
  // The converter wants equal rates.
  for (GstVideoInfo* info : {&self->flat, &self->flipped, &self->out}) {
    info->fps_n = self->in.fps_n;
    info->fps_d = self->in.fps_d;
  }
  DropPool(self);
  const GstCapsFeatures* features = gst_caps_get_features(out, 0);
  if (LoadSurfaces() != nullptr && features != nullptr && gst_caps_features_contains(features, kNvmm)) {
    self->pool = MakeSurfacePool(out, self->out, self->output_buffers, self->block_output == FALSE);
  }
  self->to_flat = gst_video_converter_new(&self->in, &self->flat, nullptr);
  const auto method = self->interpolation == 0 ? GST_VIDEO_RESAMPLER_METHOD_NEAREST : GST_VIDEO_RESAMPLER_METHOD_LINEAR;
  self->to_out = gst_video_converter_new(
      &self->flipped, &self->out,
      gst_structure_new("options", GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD, GST_TYPE_VIDEO_RESAMPLER_METHOD, method,
                        GST_VIDEO_CONVERTER_OPT_RESAMPLER_TAPS, G_TYPE_UINT, 2U, nullptr));
  return self->to_flat != nullptr && self->to_out != nullptr;
}

/// nvvidconv's numbers: 1 counterclockwise, 2 by 180°, 3 clockwise, 4 horizontally, 5 and 7 about a diagonal, 6
/// vertically.
void Turn(int flip, const GstVideoFrame& from, GstVideoFrame& to) {
  const int width = GST_VIDEO_FRAME_WIDTH(&from);
  const int height = GST_VIDEO_FRAME_HEIGHT(&from);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int left = x, right = width - 1 - x, top = y, bottom = height - 1 - y;
      const int at[8][2] = {{left, top},  {top, right},    {right, bottom}, {bottom, left},
                            {right, top}, {bottom, right}, {left, bottom},  {top, left}};
      const auto* source = static_cast<const guint32*>(GST_VIDEO_FRAME_PLANE_DATA(&from, 0));
      auto* target = static_cast<guint32*>(GST_VIDEO_FRAME_PLANE_DATA(&to, 0));
      target[at[flip][1] * (GST_VIDEO_FRAME_PLANE_STRIDE(&to, 0) / 4) + at[flip][0]] =
          source[y * (GST_VIDEO_FRAME_PLANE_STRIDE(&from, 0) / 4) + x];
    }
  }
}

GstFlowReturn Transform(GstBaseTransform* base, GstBuffer* in, GstBuffer* out) {
  Convert* self = AsConvert(base);
  GstBuffer* flat = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&self->flat), nullptr);
  GstBuffer* flipped = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&self->flipped), nullptr);
  GstVideoFrame a, b, c, d;
  GstBuffer* read = PixelsOf(in, self->in);
  GstBuffer* written = PixelsOf(out, self->out);
  gst_video_frame_map(&a, &self->in, read == nullptr ? in : read, GST_MAP_READ);
  gst_video_frame_map(&b, &self->flat, flat, GST_MAP_READWRITE);
  gst_video_frame_map(&c, &self->flipped, flipped, GST_MAP_READWRITE);
  gst_video_frame_map(&d, &self->out, written == nullptr ? out : written, GST_MAP_WRITE);
  gst_video_converter_frame(self->to_flat, &a, &b);
  Turn(self->flip, b, c);
  gst_video_converter_frame(self->to_out, &c, &d);
  for (GstVideoFrame* frame : {&a, &b, &c, &d}) gst_video_frame_unmap(frame);
  for (GstBuffer* buffer : {flat, flipped, read, written}) {
    if (buffer != nullptr) gst_buffer_unref(buffer);
  }
  return GST_FLOW_OK;
}

gboolean UnitSize(GstBaseTransform*, GstCaps* caps, gsize* size) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) return FALSE;
  *size = GST_VIDEO_INFO_SIZE(&info);
  return TRUE;
}

void convert_class_init(ConvertClass* klass) {
  GObjectClass* object = G_OBJECT_CLASS(klass);
  object->set_property = [](GObject* self, guint id, const GValue* value, GParamSpec*) {
    if (id == kBlockOutput) {
      AsConvert(self)->block_output = g_value_get_boolean(value);
    } else if (id == kOutputBuffers) {
      AsConvert(self)->output_buffers = g_value_get_uint(value);
    } else {
      (id == kFlipMethod ? AsConvert(self)->flip : AsConvert(self)->interpolation) = g_value_get_int(value);
    }
  };
  object->get_property = [](GObject* self, guint id, GValue* value, GParamSpec*) {
    if (id == kBlockOutput) {
      g_value_set_boolean(value, AsConvert(self)->block_output);
    } else if (id == kOutputBuffers) {
      g_value_set_uint(value, AsConvert(self)->output_buffers);
    } else {
      g_value_set_int(value, id == kFlipMethod ? AsConvert(self)->flip : AsConvert(self)->interpolation);
    }
  };
  object->finalize = [](GObject* self) {
    FreeConverters(AsConvert(self));
    DropPool(AsConvert(self));
    G_OBJECT_CLASS(convert_parent_class)->finalize(self);
  };
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(object, kFlipMethod, g_param_spec_int("flip-method", "", "", 0, 7, 0, flags));
  // 0 is the nearest pixel, and the default.
  g_object_class_install_property(object, kInterpolation,
                                  g_param_spec_int("interpolation-method", "", "", 0, 5, 0, flags));
  // Device memory is block linear unless it is asked for otherwise.
  if (!Is("FASTSAMD_STANDIN_NO_PITCH", "1")) {
    g_object_class_install_property(object, kBlockOutput, g_param_spec_boolean("bl-output", "", "", TRUE, flags));
  }
  g_object_class_install_property(object, kOutputBuffers,
                                  g_param_spec_uint("output-buffers", "", "", 1, G_MAXUINT, 4, flags));
  GstElementClass* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element, "nvvidconv", "Filter/Converter/Video/Scaler", "stand-in", "fastsamd");
  for (const auto& [name, direction] : {std::pair{"sink", GST_PAD_SINK}, std::pair{"src", GST_PAD_SRC}}) {
    gst_element_class_add_pad_template(
        element, gst_pad_template_new(name, direction, GST_PAD_ALWAYS, gst_caps_from_string(kConvertible)));
  }
  GstBaseTransformClass* transform = GST_BASE_TRANSFORM_CLASS(klass);
  transform->transform_caps = ConvertCaps;
  transform->fixate_caps = FixateCaps;
  transform->set_caps = SetCaps;
  transform->get_unit_size = UnitSize;
  // Not by the size of what comes in, which of a surface is that of its description.
  transform->transform_size = [](GstBaseTransform* self, GstPadDirection, GstCaps*, gsize, GstCaps* out,
                                 gsize* size) -> gboolean { return UnitSize(self, out, size); };
  transform->prepare_output_buffer = PrepareOutput;
  transform->stop = [](GstBaseTransform* self) -> gboolean {
    DropPool(AsConvert(self));
    return TRUE;
  };
  transform->transform = Transform;
}
void convert_init(Convert* self) {
  self->block_output = TRUE;
  self->output_buffers = 4;
}

}  // namespace

GType NvvidconvType() { return convert_get_type(); }
