#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/segments.h"

namespace fastsamd {

/// Keeps of the mask in runs[begin] and behind only the largest of its parts, connected by their sides; of equals the
/// first. `height` is that of the frame.
void KeepLargestPart(std::vector<Run>& runs, size_t begin, uint32_t height);

}  // namespace fastsamd
