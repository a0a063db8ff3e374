#pragma once

#include "core/image.h"
#include "cuda/letterbox_pixel.h"
#include "cuda/mask_logit.h"
#include "cuda/select_anchor.h"

namespace fastsamd::standin {

// The loops that a GPU's threads are, around the same functions per element.

template <PixelFormat kFormat, typename T>
void LetterboxAs(const cuda::LetterboxInput& input, T* output) {
  for (int y = 0; y < input.input_height; ++y) {
    for (int x = 0; x < input.input_width; ++x) cuda::LetterboxPixel<kFormat>(input, x, y, output);
  }
}

template <typename T>
void Letterbox(PixelFormat format, const cuda::LetterboxInput& input, T* output) {
  switch (format) {
    case PixelFormat::kRgb:
      return LetterboxAs<PixelFormat::kRgb>(input, output);
    case PixelFormat::kBgr:
      return LetterboxAs<PixelFormat::kBgr>(input, output);
    case PixelFormat::kRgba:
      return LetterboxAs<PixelFormat::kRgba>(input, output);
    case PixelFormat::kNv12:
      return LetterboxAs<PixelFormat::kNv12>(input, output);
    case PixelFormat::kI420:
      return LetterboxAs<PixelFormat::kI420>(input, output);
  }
}

/// Last anchor first: no order is promised, and none may be relied on.
template <typename T>
void Select(const T* detections, int anchors, int classes, float conf, const cuda::Selection& selection) {
  *selection.count = 0;
  for (int anchor = anchors; anchor-- > 0;) {
    cuda::SelectedAnchor selected{};
    if (!cuda::SelectAnchor(detections, anchors, classes, conf, anchor, selected)) continue;
    selection.anchors[(*selection.count)++] = selected;
  }
}

template <typename T>
void MaskLogits(const T* proto, int proto_width, int proto_height, const cuda::LogitRequest* requests, int count,
                float* logits) {
  for (int i = 0; i < count; ++i) {
    const cuda::LogitRequest& request = requests[i];
    for (int cell = 0; cell < request.columns * request.rows; ++cell) {
      logits[request.offset + static_cast<uint32_t>(cell)] =
          cuda::MaskLogit(proto, proto_width, proto_height, request, cell);
    }
  }
}

}  // namespace fastsamd::standin
