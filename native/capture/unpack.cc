#include "capture/unpack.h"

#include <vector>

#include "core/ayuv.h"

namespace fastsamd {
namespace {

/// Unpackers may write the last group of pixels whole: v210 has groups of 6, tiled formats larger ones.
constexpr size_t kSlack = 64;

void ArgbToRgba(const uint32_t* __restrict argb, size_t width, uint32_t* __restrict rgba) {
  for (size_t x = 0; x < width; ++x) rgba[x] = argb[x] >> 8U | 0xFF000000U;
}

/// 16 bit to 8, to the nearest level.
uint32_t Level(uint32_t value) { return (value * 255 + 32767) / 65535; }

void Argb64ToRgba(const uint32_t* __restrict argb, size_t width, uint32_t* __restrict rgba) {
  for (size_t x = 0; x < width; ++x) {
    const uint32_t red = argb[2 * x] >> 16U;
    const uint32_t green_blue = argb[2 * x + 1];
    rgba[x] = Level(red) | Level(green_blue & 0xFFFFU) << 8U | Level(green_blue >> 16U) << 16U | 0xFF000000U;
  }
}

}  // namespace

bool CanUnpack(const GstVideoInfo& info) {
  if (info.finfo->unpack_func == nullptr) return false;
  switch (info.finfo->unpack_format) {
    case GST_VIDEO_FORMAT_AYUV:
    case GST_VIDEO_FORMAT_AYUV64:
    case GST_VIDEO_FORMAT_ARGB:
    case GST_VIDEO_FORMAT_ARGB64:
      return true;
    default:
      return false;
  }
}

void Unpack(GstVideoFrame& frame, ColorMatrix matrix, ColorRange range, uint32_t* rgba) {
  const GstVideoFormatInfo* format = frame.info.finfo;
  const auto width = static_cast<size_t>(GST_VIDEO_FRAME_WIDTH(&frame));
  const int depth = static_cast<int>(format->depth[0]);
  const YuvMatrix yuv = MakeYuvMatrix(matrix, range);
  // Short RGB samples are widened by repeating their bits, which keeps white white; those of YUV have a scale instead.
  const bool is_yuv =
      format->unpack_format == GST_VIDEO_FORMAT_AYUV || format->unpack_format == GST_VIDEO_FORMAT_AYUV64;
  const auto flags = is_yuv ? GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE : GST_VIDEO_PACK_FLAG_NONE;
  std::vector<uint32_t> row(2 * (width + kSlack));
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(&frame); ++y, rgba += width) {
    format->unpack_func(format, flags, row.data(), frame.data, frame.info.stride, 0, y, static_cast<gint>(width));
    switch (format->unpack_format) {
      case GST_VIDEO_FORMAT_AYUV:
        AyuvToRgba(row.data(), width, yuv, rgba);
        break;
      case GST_VIDEO_FORMAT_AYUV64:
        Ayuv64ToRgba(row.data(), width, yuv, range, depth, rgba);
        break;
      case GST_VIDEO_FORMAT_ARGB:
        ArgbToRgba(row.data(), width, rgba);
        break;
      default:
        Argb64ToRgba(row.data(), width, rgba);
        break;
    }
  }
}

}  // namespace fastsamd
