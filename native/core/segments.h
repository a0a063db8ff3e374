#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/result.h"

namespace fastsamd {

/// Foreground run [start, end) of column-major pixel indices x * height + y.
struct Run {
  uint32_t start;
  uint32_t end;
};

/// Masks that remembered coefficients give on this frame's proto, by the id of the track that they belong to.
struct Carried {
  std::vector<uint32_t> ids;
  std::vector<Run> runs;
  /// [ids + 1] once there is an id.
  std::vector<uint32_t> offsets;
};

/// Mask coefficients of an object.
inline constexpr size_t kCoefficients = 32;

/// The result for one frame, packed; see src/domain/segments.ts.
struct Segments {
  int width = 0;
  int height = 0;
  std::vector<float> boxes;
  std::vector<float> scores;
  std::vector<int32_t> classes;
  std::vector<uint32_t> areas;
  std::vector<Run> runs;
  std::vector<uint32_t> offsets;
  /// [count x kCoefficients] mask coefficients, when they were asked for; else empty.
  std::vector<float> coefficients;
  /// What DecodeOptions::carry asked for.
  Carried carried;

  size_t count() const { return scores.size(); }
};

/// The objects at `indices`, each below the count; carried masks belong to no object and are left out.
Segments Select(const Segments& segments, const std::vector<uint32_t>& indices);

/// Checks that runs are not empty, ascend, never touch and end within `pixels`. Errors: kMisuse.
Status ValidateRuns(const Run* runs, size_t count, uint64_t pixels);

/// Checks segments that come from outside: sides 1..kMaxSide, array lengths that agree, offsets that ascend from 0 to
/// the number of runs, valid runs per object. Errors: kMisuse.
Status Validate(const Segments& segments);

}  // namespace fastsamd
