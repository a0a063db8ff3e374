#include "standin/nvmm.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

using fastsamd::nvmm::abi::EglFrame;
using fastsamd::nvmm::abi::Params;
using fastsamd::nvmm::abi::Surface;
namespace abi = fastsamd::nvmm::abi;

constexpr int kInvalidValue = 1;

/// What lies behind a surface, found by `descriptor`.
struct Picture {
  std::vector<uint8_t> device;
  std::vector<uint8_t> seen;
  bool mapped = false;
  bool has_image = false;
  int resources = 0;
};

std::mutex mutex;
std::map<std::string, int> counts;

void Count(const char* name, int by = 1) {
  const std::lock_guard lock(mutex);
  counts[name] += by;
}

bool Fails(const char* call) {
  const char* fault = std::getenv("FASTSAMD_STANDIN_NVMM_FAULT");
  return fault != nullptr && std::strcmp(fault, call) == 0;
}

Picture& Of(const Params& params) { return *reinterpret_cast<Picture*>(params.descriptor); }
Picture& Of(const Surface* surface) { return Of(surface->pictures[0]); }

bool IsNv12(uint32_t format) {
  return format == abi::kNv12 || format == abi::kNv12Er || format == abi::kNv12Bt709 || format == abi::kNv12Bt709Er ||
         format == abi::kNv12Bt2020;
}

/// An EGL image is the address of its surface's Params; a resource too.
Params* AsParams(void* handle) { return static_cast<Params*>(handle); }

struct Report {
  ~Report() {
    const char* path = std::getenv("FASTSAMD_STANDIN_NVMM_REPORT");
    std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "w");
    if (file == nullptr) return;
    std::fprintf(file, "{");
    const char* comma = "";
    for (const auto& [name, count] : counts) {
      std::fprintf(file, "%s\"%s\":%d", comma, name.c_str(), count);
      comma = ",";
    }
    std::fprintf(file, "}\n");
    std::fclose(file);
  }
} report;

}  // namespace

extern "C" {

int StandinNvmmCount(const char* name) {
  const std::lock_guard lock(mutex);
  return counts[name];
}

Surface* StandinSurfaceCreate(uint32_t width, uint32_t height, uint32_t format, uint32_t layout) {
  auto* surface = new Surface{};
  auto* params = new Params{};
  auto* picture = new Picture;
  surface->batch_size = 1;
  surface->memory_type = abi::kSurfaceArray;
  surface->pictures = params;
  params->width = width;
  params->height = height;
  params->color_format = format;
  params->layout = layout;
  params->descriptor = reinterpret_cast<uint64_t>(picture);
  const bool rgba = format == abi::kRgba || format == abi::kRgbx;
  abi::PlaneParams& planes = params->planes;
  planes.planes = rgba ? 1 : IsNv12(format) ? 2 : 3;
  uint32_t bytes = 0;
  for (uint32_t k = 0; k < planes.planes; ++k) {
    planes.width[k] = k == 0 ? width : (width + 1) / 2;
    planes.height[k] = k == 0 ? height : (height + 1) / 2;
    planes.bytes_per_pixel[k] = rgba ? 4 : k == 1 && IsNv12(format) ? 2 : 1;
    planes.pitch[k] = (planes.width[k] * planes.bytes_per_pixel[k] + 255) / 256 * 256;
    planes.offset[k] = bytes;
    planes.size[k] = planes.pitch[k] * planes.height[k];
    bytes += planes.size[k];
  }
  params->pitch = planes.pitch[0];
  params->data_size = bytes;
  picture->device.assign(bytes, 0);
  Count("surfaces");
  return surface;
}

void StandinSurfaceDestroy(Surface* surface) {
  const Picture& picture = Of(surface);
  if (picture.mapped || picture.has_image || picture.resources != 0) Count("misuses");
  Count("surfaces", -1);
  delete &picture;
  delete surface->pictures;
  delete surface;
}

uint8_t* StandinSurfacePlane(Surface* surface, uint32_t plane) {
  return Of(surface).device.data() + surface->pictures[0].planes.offset[plane];
}

int NvBufSurfaceMap(Surface* surface, int index, int plane, int access) {
  if (Fails("map") || index != 0 || plane != -1 || access != abi::kMapRead) return -1;
  Picture& picture = Of(surface);
  if (picture.mapped) Count("misuses");
  picture.mapped = true;
  picture.seen.assign(picture.device.size(), 0xcd);
  Params& params = surface->pictures[0];
  for (uint32_t k = 0; k < params.planes.planes; ++k) {
    params.mapped.planes[k] = picture.seen.data() + params.planes.offset[k];
  }
  Count("maps");
  Count("mapped");
  return 0;
}

int NvBufSurfaceUnMap(Surface* surface, int, int) {
  Picture& picture = Of(surface);
  if (!picture.mapped) {
    Count("misuses");
    return -1;
  }
  picture.mapped = false;
  picture.seen = {};
  Count("maps", -1);
  return 0;
}

int NvBufSurfaceSyncForCpu(Surface* surface, int, int) {
  Picture& picture = Of(surface);
  if (Fails("sync") || !picture.mapped) return -1;
  std::memcpy(picture.seen.data(), picture.device.data(), picture.device.size());
  Count("synced");
  return 0;
}

int NvBufSurfaceMapEglImage(Surface* surface, int) {
  if (Fails("egl")) return -1;
  if (Of(surface).has_image) Count("misuses");
  Of(surface).has_image = true;
  surface->pictures[0].mapped.egl_image = surface->pictures;
  Count("eglImages");
  return 0;
}

int NvBufSurfaceUnMapEglImage(Surface* surface, int) {
  Picture& picture = Of(surface);
  if (!picture.has_image || picture.resources != 0) Count("misuses");
  picture.has_image = false;
  surface->pictures[0].mapped.egl_image = nullptr;
  Count("eglImages", -1);
  return 0;
}

int cuInit(unsigned) { return Fails("init") ? 100 : 0; }
int cuDeviceGet(int* device, int) {
  *device = 0;
  return 0;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
  static int primary = 0;
  *context = &primary;
  return 0;
}
// A thread has a context between a push and its pop only.
static thread_local int contexts = 0;
int cuCtxPushCurrent_v2(void*) {
  ++contexts;
  return 0;
}
int cuCtxPopCurrent_v2(void**) {
  --contexts;
  return 0;
}

int cuGraphicsEGLRegisterImage(void** resource, void* egl_image, unsigned) {
  if (contexts != 1 || Fails("register")) return kInvalidValue;
  ++Of(*AsParams(egl_image)).resources;
  *resource = egl_image;
  Count("resources");
  Count("registered");
  return 0;
}

int cuGraphicsResourceGetMappedEglFrame(EglFrame* frame, void* resource, unsigned, unsigned) {
  if (contexts != 1 || Fails("frame")) return kInvalidValue;
  const Params& params = *AsParams(resource);
  *frame = {};
  for (uint32_t k = 0; k < params.planes.planes; ++k) {
    frame->planes[k] = Of(params).device.data() + params.planes.offset[k] + (Fails("skew") ? 1 : 0);
  }
  frame->width = params.width - (Fails("small") ? 2 : 0);
  frame->height = params.height;
  frame->pitch = params.pitch;
  frame->plane_count = params.planes.planes;
  frame->frame_type = Fails("array") ? 0 : abi::kFrameOfRows;
  return 0;
}

int cuGraphicsUnregisterResource(void* resource) {
  if (contexts != 1 || Of(*AsParams(resource)).resources == 0) Count("misuses");
  --Of(*AsParams(resource)).resources;
  Count("resources", -1);
  return 0;
}

int cuMemcpyDtoH_v2(void* to, uint64_t from, size_t bytes) {
  if (contexts != 1 || Fails("read")) return kInvalidValue;
  // A skewed plane's last byte lies one further than its memory.
  std::memcpy(to, reinterpret_cast<const void*>(from), bytes - (Fails("skew") ? 1 : 0));
  return 0;
}

}  // extern "C"
