#pragma once

#include "core/image.h"
#include "core/result.h"

namespace fastsamd {

/// Pixels in memory that the processor and the GPU share.
class DevicePixels {
 public:
  virtual ~DevicePixels() = default;

  /// `view`, all of the picture or a part of it by the processor's addresses, by those of the GPU. They are good for as
  /// long as this object lives: it must be kept until the GPU has read them. From any thread. Errors:
  /// kEngineUnavailable, kEngineFailed: the pixels have to be copied.
  virtual Result<ImageView> ForGpu(const ImageView& view) = 0;
};

}  // namespace fastsamd
