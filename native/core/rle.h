#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/segments.h"

namespace fastsamd {

/// COCO's compressed RLE `counts`, byte for byte what pycocotools writes: alternating background and foreground run
/// lengths, each from the fourth on as the difference to the one two before, in 5 bit groups + 48.
/// `runs` ascend, do not touch and end at or before `pixels` (ValidateRuns); `pixels` is at most 2^32 - 1.
std::string EncodeRle(const Run* runs, size_t count, uint64_t pixels);

/// Runs of a compressed `counts` string. Empty runs in the string are merged away, so the result ascends and never
/// touches. Errors: kPromptInvalid when a byte is no RLE byte, a count is negative or too large, or the counts do
/// not sum to width * height; kMisuse when a side is out of 1..kMaxSide. Memory is bounded by the string.
Result<std::vector<Run>> DecodeRle(std::string_view counts, int width, int height);

}  // namespace fastsamd
