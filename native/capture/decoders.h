#pragma once

#include <gst/gst.h>

namespace fastsamd {

/// Makes an element of a pipeline decode as exactly as it can; others are left alone.
/// - jpegdec: the accurate inverse transform. Its default loses up to a level in each channel.
/// - Parsers of H.264 and H.265: matrix and range of the stream come before those of the container. GStreamer reads the
///   range in the header of an MP4 as limited, whatever it says.
/// - Decoders of video: matrix and range are those that the parser names.
void TuneDecoder(GstElement* element);

}  // namespace fastsamd
