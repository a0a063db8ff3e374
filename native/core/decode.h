#pragma once

#include "core/geometry.h"
#include "core/segments.h"

namespace fastsamd {

inline constexpr int kMaskChannels = 32;

/// A network's raw output; see RawOutputs in src/native.ts for the shapes.
struct RawOutputs {
  const float* detections = nullptr;
  int anchors = 0;
  int classes = 0;
  const float* proto = nullptr;
};

struct DecodeOptions {
  float conf = 0.4F;
  float iou = 0.9F;
  int max_det = 300;
  float snap_to_border = 20.0F;
};

/// Candidates -> NMS -> border snap -> mask runs, as design/fastsam.md defines them.
Result<Segments> Decode(const RawOutputs& outputs, const Geometry& geometry, const DecodeOptions& options);

}  // namespace fastsamd
