#pragma once

#include <cstdint>
#include <vector>

namespace fastsamd {

/// Foreground run [start, end) of column-major pixel indices x * height + y.
struct Run {
  uint32_t start;
  uint32_t end;
};

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

  size_t count() const { return scores.size(); }
};

}  // namespace fastsamd
