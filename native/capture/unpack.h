#pragma once

#include <gst/video/video.h>

#include <cstdint>

#include "core/image.h"

namespace fastsamd {

/// True when Unpack reads the format: every raw format of GStreamer that describes how its rows are unpacked.
bool CanUnpack(const GstVideoInfo& info);

/// Writes `frame` as tight RGBA (width * height words) into `rgba`. It stands in for videoconvert, whose
/// 8 bit arithmetic makes pictures of most YUV formats 2 to 4 levels too dark. GStreamer takes the rows apart; the
/// conversion is ours, by `matrix` and `range`. Alpha means nothing, chroma is that of the nearest sample.
void Unpack(GstVideoFrame& frame, ColorMatrix matrix, ColorRange range, uint32_t* rgba);

}  // namespace fastsamd
