#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "core/image.h"
#include "core/result.h"
#include "nvmm/libraries.h"

namespace fastsamd::nvmm {

/// A buffer of a Jetson's memory manager (memory:NVMM) that holds one picture, mapped for the processor and, once the
/// GPU is to read it, for CUDA. Mapping takes longer than copying a frame: a buffer of a pool is mapped once, and its
/// Surface is kept until the buffer is freed. Both mappings are undone by the destructor.
class Surface {
 public:
  /// `surface` is what mapping a GstBuffer of memory:NVMM gives, `bytes` how much of it. It must outlive this object.
  /// Errors: kSourceUnsupported without libnvbufsurface, or for a buffer that is not plain rows in a format that the
  /// letterbox reads.
  static Result<std::unique_ptr<Surface>> Map(void* surface, size_t bytes);
  ~Surface();
  Surface(const Surface&) = delete;
  Surface& operator=(const Surface&) = delete;

  /// Matrix and range that the buffer's format names. None for the plain formats: these mean BT.601 in limited
  /// range, but NVIDIA's elements also write them where they do not know.
  const std::optional<std::pair<ColorMatrix, ColorRange>>& colors() const { return colors_; }

  /// The picture by the processor's addresses, after the units have written it: to be called for every new picture.
  /// Errors: kSourceCorrupt.
  Result<ImageView> ForCpu();

  /// The picture by the GPU's addresses, once ForCpu has given it. The first call registers the buffer with CUDA, and
  /// compares all of it with what the processor sees. Errors: kEngineUnavailable, kEngineFailed; the same for every
  /// later call.
  Result<ImageView> ForGpu();

 private:
  Surface(const SurfaceLibrary& library, abi::Surface* surface) : library_(library), surface_(surface) {}
  Status MapForCpu();
  Result<ImageView> Register();
  Status Prove(const ImageView& gpu) const;

  const SurfaceLibrary& library_;
  abi::Surface* const surface_;
  std::optional<std::pair<ColorMatrix, ColorRange>> colors_;
  /// By the processor's addresses.
  ImageView view_;
  bool mapped_ = false;

  std::mutex mutex_;
  std::optional<Result<ImageView>> gpu_;
  bool has_egl_image_ = false;
  const Driver* driver_ = nullptr;
  Driver::Resource resource_ = nullptr;
};

}  // namespace fastsamd::nvmm
