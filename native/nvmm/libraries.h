#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/result.h"
#include "nvmm/surface_abi.h"

// NVIDIA's libraries for memory that a Jetson's units share, loaded by the first call that needs them. They stay
// loaded.

namespace fastsamd::nvmm {

/// libnvbufsurface. Its functions answer 0 or -1.
struct SurfaceLibrary {
  int (*map)(abi::Surface* surface, int index, int plane, int access) = nullptr;
  int (*unmap)(abi::Surface* surface, int index, int plane) = nullptr;
  int (*sync_for_cpu)(abi::Surface* surface, int index, int plane) = nullptr;
  int (*map_egl_image)(abi::Surface* surface, int index) = nullptr;
  int (*unmap_egl_image)(abi::Surface* surface, int index) = nullptr;
};

/// Errors: kSourceUnsupported when the library is absent or lacks a function.
Result<const SurfaceLibrary*> LoadSurfaceLibrary();

/// The CUDA driver, libcuda. The functions that need a context run in the primary context of the first GPU, which is
/// the one that CUDA's runtime uses: addresses of one are addresses of the other.
class Driver {
 public:
  using Resource = void*;

  /// Errors: kEngineUnavailable when there is no driver or no GPU.
  static Result<const Driver*> Load();

  /// Makes an EGL image known to CUDA and says where its planes lie. Errors: kEngineFailed.
  Result<Resource> Register(void* egl_image, abi::EglFrame* frame) const;
  void Unregister(Resource resource) const;
  /// Copies from the GPU's address to the processor's, and waits. Errors: kEngineFailed.
  Status Read(void* to, const void* from, size_t bytes) const;

 private:
  Status Open();
  /// Runs `work` in the context and leaves the thread as it was.
  int InContext(const std::function<int()>& work) const;

  void* context_ = nullptr;
  int (*push_)(void* context) = nullptr;
  int (*pop_)(void** context) = nullptr;
  int (*register_)(Resource* resource, void* egl_image, unsigned flags) = nullptr;
  int (*mapped_frame_)(abi::EglFrame* frame, Resource resource, unsigned index, unsigned level) = nullptr;
  int (*unregister_)(Resource resource) = nullptr;
  int (*read_)(void* to, uint64_t from, size_t bytes) = nullptr;
};

}  // namespace fastsamd::nvmm
