#pragma once

#include <cstddef>

#include "core/geometry.h"
#include "core/image.h"

namespace fastsamd {

/// Writes `image` as [3, input_height, input_width] float32 RGB in 0..1 into `output` (`size` floats): bilinear with
/// half-pixel centres, no antialiasing, padding 114/255. The image is first converted to 8 bit RGB (as ToRgb does), and
/// the result is rounded to 8 bit with the fixed-point arithmetic of OpenCV's cv::resize INTER_LINEAR
/// (modules/imgproc/src/resize.cpp), which is what FastSAM and Ultralytics were trained and are evaluated with: the
/// same values reach the network as there. Errors: kMisuse when sizes, strides or geometry do not fit.
Status Letterbox(const ImageView& image, const Geometry& geometry, float* output, size_t size);

}  // namespace fastsamd
