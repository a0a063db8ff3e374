#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/geometry.h"
#include "core/segments.h"

namespace fastsamd {

inline constexpr int kMaskChannels = static_cast<int>(kCoefficients);

/// A network's raw output; see RawOutputs in src/addon/network.ts for the shapes.
struct RawOutputs {
  const float* detections = nullptr;
  int anchors = 0;
  int classes = 0;
  const float* proto = nullptr;
};

/// Coefficients that an object had in an earlier frame of the same model, and the box to look for it in, in pixels of
/// this frame.
struct CarryRequest {
  uint32_t id = 0;
  std::array<float, 4> box{};
  std::array<float, kMaskChannels> coefficients{};
};

/// Most masks carried through one frame: bounds the time.
inline constexpr size_t kMaxCarried = 64;

struct DecodeOptions {
  float conf = 0.4F;
  float iou = 0.9F;
  int max_det = 300;
  float snap_to_border = 20.0F;
  /// Hand out the mask coefficients of each object.
  bool coefficients = false;
  /// Masks to compute besides those of the objects; at most kMaxCarried.
  std::vector<CarryRequest> carry = {};
};

/// Checks that outputs are those of a network with this input. Errors: kMisuse, kModelUnsupported.
Status Validate(const RawOutputs& outputs, const Geometry& geometry);

/// Candidates -> NMS -> border snap -> mask runs, as design/fastsam.md defines them.
Result<Segments> Decode(const RawOutputs& outputs, const Geometry& geometry, const DecodeOptions& options);

}  // namespace fastsamd
