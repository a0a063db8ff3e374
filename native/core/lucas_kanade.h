#pragma once

#include "core/grey_image.h"

namespace fastsamd {

/// One level of Lucas-Kanade (Bouguet 2001): moves (x1, y1) in `to` until the window of 11 x 11 pixels around it looks
/// like the one around (x0, y0) in `from`. False where the point left the picture, and on the `finest` level where the
/// window has no corner or looks different in the end.
bool FollowWindow(const GreyImage& from, const GreyImage& to, float x0, float y0, float& x1, float& y1, bool finest);

}  // namespace fastsamd
