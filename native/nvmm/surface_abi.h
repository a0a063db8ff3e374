#pragma once

#include <cstddef>
#include <cstdint>

// What this project needs of two interfaces of NVIDIA's, as their headers give them: NvBufSurface (nvbufsurface.h of
// the Jetson Multimedia API and of DeepStream; the layout is the same from JetPack 5 to 7, where a field was added it
// took the place of a reserved one) and the driver's EGL interop (cudaEGL.h). Declared here because the headers come
// with the device, and the libraries are loaded when they are there. Sizes and offsets are those of the headers on a
// 64-bit machine.

namespace fastsamd::nvmm::abi {

inline constexpr int kMaxPlanes = 4;

/// NvBufSurfaceColorFormat: those that a letterbox reads. ER: extended, that is full range. A format without a matrix
/// in its name is BT.601.
enum ColorFormat : uint32_t {
  kYuv420 = 2,
  kYvu420 = 3,
  kYuv420Er = 4,
  kYvu420Er = 5,
  kNv12 = 6,
  kNv12Er = 7,
  kRgba = 19,
  kRgbx = 23,
  kYuv420Bt709 = 31,
  kYuv420Bt709Er = 32,
  kNv12Bt709 = 33,
  kNv12Bt709Er = 34,
  kYuv420Bt2020 = 35,
  kNv12Bt2020 = 36,
};

/// NvBufSurfaceLayout.
enum Layout : uint32_t { kPitchLinear = 0, kBlockLinear = 1 };

/// NvBufSurfaceMemType: memory of a Jetson that its units, its GPU and its processor share.
inline constexpr uint32_t kSurfaceArray = 4;
/// NvBufSurfaceMemMapFlags.
inline constexpr int kMapRead = 0;

struct PlaneParams {
  uint32_t planes;
  uint32_t width[kMaxPlanes];
  uint32_t height[kMaxPlanes];
  /// Bytes from row to row.
  uint32_t pitch[kMaxPlanes];
  uint32_t offset[kMaxPlanes];
  uint32_t size[kMaxPlanes];
  uint32_t bytes_per_pixel[kMaxPlanes];
  void* reserved[16];
};

struct MappedAddresses {
  /// The processor's addresses of the planes.
  void* planes[kMaxPlanes];
  void* egl_image;
  void* reserved[4];
};

/// NvBufSurfaceParams: one picture.
struct Params {
  uint32_t width;
  uint32_t height;
  uint32_t pitch;
  uint32_t color_format;
  uint32_t layout;
  uint64_t descriptor;
  uint32_t data_size;
  void* data;
  PlaneParams planes;
  MappedAddresses mapped;
  void* extended;
  void* reserved[3];
};

/// NvBufSurface: what mapping a GstBuffer of memory:NVMM gives.
struct Surface {
  uint32_t gpu;
  uint32_t batch_size;
  uint32_t filled;
  bool contiguous;
  uint32_t memory_type;
  Params* pictures;
  void* reserved[4];
};

static_assert(sizeof(PlaneParams) == 232 && offsetof(PlaneParams, pitch) == 36 && offsetof(PlaneParams, offset) == 52 &&
              offsetof(PlaneParams, bytes_per_pixel) == 84);
static_assert(sizeof(MappedAddresses) == 72 && offsetof(MappedAddresses, egl_image) == 32);
static_assert(sizeof(Params) == 384 && offsetof(Params, color_format) == 12 && offsetof(Params, layout) == 16 &&
              offsetof(Params, descriptor) == 24 && offsetof(Params, data) == 40 && offsetof(Params, planes) == 48 &&
              offsetof(Params, mapped) == 280 && offsetof(Params, extended) == 352);
static_assert(sizeof(Surface) == 64 && offsetof(Surface, batch_size) == 4 && offsetof(Surface, memory_type) == 16 &&
              offsetof(Surface, pictures) == 24);

/// CUeglFrame of cudaEGL.h.
struct EglFrame {
  void* planes[3];
  unsigned width;
  unsigned height;
  unsigned depth;
  unsigned pitch;
  unsigned plane_count;
  unsigned channels;
  int frame_type;
  int color_format;
  int element_format;
};
/// CU_EGL_FRAME_TYPE_PITCH: the planes are plain rows, and no CUDA array.
inline constexpr int kFrameOfRows = 1;

static_assert(sizeof(EglFrame) == 64 && offsetof(EglFrame, pitch) == 36 && offsetof(EglFrame, plane_count) == 40 &&
              offsetof(EglFrame, frame_type) == 48);

}  // namespace fastsamd::nvmm::abi
