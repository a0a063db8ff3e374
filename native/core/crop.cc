#include "core/crop.h"

#include <cstddef>
#include <string>

namespace fastsamd {
namespace {

const uint8_t* At(const ImageView& view, size_t plane, int row, int byte) {
  return view.planes[plane] + static_cast<ptrdiff_t>(row) * view.strides[plane] + byte;
}

}  // namespace

Result<ImageView> Crop(const ImageView& view, int x, int y, int width, int height) {
  if (x < 0 || y < 0 || width < 1 || height < 1 || width > view.width - x || height > view.height - y) {
    return Error{ErrorCode::kMisuse, "expected a part of the " + std::to_string(view.width) + "×" +
                                         std::to_string(view.height) + " picture"};
  }
  ImageView part = view;
  part.width = width;
  part.height = height;
  switch (view.format) {
    case PixelFormat::kRgb:
    case PixelFormat::kBgr:
      part.planes[0] = At(view, 0, y, 3 * x);
      return part;
    case PixelFormat::kRgba:
      part.planes[0] = At(view, 0, y, 4 * x);
      return part;
    case PixelFormat::kNv12:
      x &= ~1;
      y &= ~1;
      part.planes[0] = At(view, 0, y, x);
      part.planes[1] = At(view, 1, y / 2, x);
      return part;
    case PixelFormat::kI420:
      x &= ~1;
      y &= ~1;
      part.planes[0] = At(view, 0, y, x);
      part.planes[1] = At(view, 1, y / 2, x / 2);
      part.planes[2] = At(view, 2, y / 2, x / 2);
      return part;
  }
  return Error{ErrorCode::kInternal, "a pixel format without a way to crop it"};
}

}  // namespace fastsamd
