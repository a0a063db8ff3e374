#include "nvmm/libraries.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>
#include <string>

namespace fastsamd::nvmm {
namespace {

constexpr int kSuccess = 0;
/// CU_GRAPHICS_MAP_RESOURCE_FLAGS_READ_ONLY.
constexpr unsigned kReadOnly = 1;

/// The first of the names that can be loaded; `variable` names another for tests.
void* LoadFirst(const char* variable, std::initializer_list<const char*> names) {
  if (const char* chosen = std::getenv(variable); chosen != nullptr) return dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
  void* handle = nullptr;
  for (const char* name : names) {
    handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) break;
  }
  return handle;
}

template <typename Function>
bool Find(void* library, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, symbol));
  return function != nullptr;
}

Error CannotLoad(ErrorCode code, const char* what) {
  const char* why = dlerror();
  return {code, std::string(what) + " cannot be loaded: " + (why == nullptr ? "a function is missing" : why)};
}

Error Failed(const char* what, int code) {
  return {ErrorCode::kEngineFailed, std::string(what) + ": CUDA driver error " + std::to_string(code)};
}

/// A value that is made once; a failure is tried again by the next call.
template <typename T>
struct Once {
  std::mutex mutex;
  bool made = false;
  T value;
};

}  // namespace

Result<const SurfaceLibrary*> LoadSurfaceLibrary() {
  static Once<SurfaceLibrary> once;
  const std::lock_guard lock(once.mutex);
  if (once.made) return &once.value;
  // JetPack names it by its version, and DeepStream without.
  void* handle = LoadFirst("FASTSAMD_NVBUFSURFACE_LIBRARY", {"libnvbufsurface.so.1.0.0", "libnvbufsurface.so"});
  SurfaceLibrary library;
  const bool whole = handle != nullptr && Find(handle, "NvBufSurfaceMap", library.map) &&
                     Find(handle, "NvBufSurfaceUnMap", library.unmap) &&
                     Find(handle, "NvBufSurfaceSyncForCpu", library.sync_for_cpu) &&
                     Find(handle, "NvBufSurfaceMapEglImage", library.map_egl_image) &&
                     Find(handle, "NvBufSurfaceUnMapEglImage", library.unmap_egl_image);
  if (!whole) return CannotLoad(ErrorCode::kSourceUnsupported, "libnvbufsurface");
  once.value = library;
  once.made = true;
  return &once.value;
}

Result<const Driver*> Driver::Load() {
  static Once<Driver> once;
  const std::lock_guard lock(once.mutex);
  if (once.made) return &once.value;
  if (Status opened = once.value.Open(); !opened.ok()) return opened.error();
  once.made = true;
  return &once.value;
}

Status Driver::Open() {
  void* handle = LoadFirst("FASTSAMD_CUDA_DRIVER_LIBRARY", {"libcuda.so.1"});
  int (*init)(unsigned) = nullptr;
  int (*device_get)(int*, int) = nullptr;
  int (*retain)(void**, int) = nullptr;
  // Suffixes are those that cuda.h gives these names since CUDA 4 (_v2), without which an older function is meant.
  const bool whole =
      handle != nullptr && Find(handle, "cuInit", init) && Find(handle, "cuDeviceGet", device_get) &&
      Find(handle, "cuDevicePrimaryCtxRetain", retain) && Find(handle, "cuCtxPushCurrent_v2", push_) &&
      Find(handle, "cuCtxPopCurrent_v2", pop_) && Find(handle, "cuGraphicsEGLRegisterImage", register_) &&
      Find(handle, "cuGraphicsResourceGetMappedEglFrame", mapped_frame_) &&
      Find(handle, "cuGraphicsUnregisterResource", unregister_) && Find(handle, "cuMemcpyDtoH_v2", read_);
  if (!whole) return CannotLoad(ErrorCode::kEngineUnavailable, "the CUDA driver (libcuda.so.1)");
  int device = 0;
  int code = init(0);
  if (code == kSuccess) code = device_get(&device, 0);
  // Kept for as long as the process lives, as CUDA's runtime keeps it.
  if (code == kSuccess) code = retain(&context_, device);
  if (code != kSuccess) {
    return Error{ErrorCode::kEngineUnavailable, "the GPU cannot be used: CUDA driver error " + std::to_string(code)};
  }
  return Ok();
}

int Driver::InContext(const std::function<int()>& work) const {
  if (const int code = push_(context_); code != kSuccess) return code;
  const int code = work();
  void* popped = nullptr;
  pop_(&popped);
  return code;
}

Result<Driver::Resource> Driver::Register(void* egl_image, abi::EglFrame* frame) const {
  Resource resource = nullptr;
  const int code = InContext([&] {
    if (const int refused = register_(&resource, egl_image, kReadOnly); refused != kSuccess) return refused;
    const int unmapped = mapped_frame_(frame, resource, 0, 0);
    if (unmapped != kSuccess) unregister_(resource);
    return unmapped;
  });
  if (code != kSuccess) return Failed("registering a frame's EGL image", code);
  return resource;
}

void Driver::Unregister(Resource resource) const {
  InContext([&] { return unregister_(resource); });
}

Status Driver::Read(void* to, const void* from, size_t bytes) const {
  const int code = InContext([&] { return read_(to, reinterpret_cast<uintptr_t>(from), bytes); });
  if (code != kSuccess) return Failed("reading a frame back", code);
  return Ok();
}

}  // namespace fastsamd::nvmm
