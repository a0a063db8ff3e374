// Coverage-guided fuzzing of what the core reads from outside (libFuzzer): COCO's RLE, runs, contours and JPEG headers.
// The first byte of an input chooses.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/contour.h"
#include "core/jpeg_markers.h"
#include "core/rle.h"
#include "core/segments.h"

namespace fastsamd {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

/// Runs of any text: what decodes is written and read again as the same runs.
void FuzzRle(const uint8_t* data, size_t size) {
  if (size < 2) return;
  const int width = 1 + data[0];
  const int height = 1 + data[1];
  const std::string_view counts(reinterpret_cast<const char*>(data + 2), size - 2);
  const auto runs = DecodeRle(counts, width, height);
  if (!runs.ok()) return;
  const std::vector<Run>& decoded = runs.value();
  const uint64_t pixels = static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
  const auto again = DecodeRle(EncodeRle(decoded.data(), decoded.size(), pixels), width, height);
  Require(again.ok() && again.value().size() == decoded.size());
  for (size_t k = 0; k < decoded.size(); ++k) {
    Require(std::memcmp(&again.value()[k], &decoded[k], sizeof(Run)) == 0);
  }
}

/// Any runs, valid or not: an error or polygons, no crash.
void FuzzContours(const uint8_t* data, size_t size) {
  if (size < 3) return;
  const int width = 1 + data[0];
  const int height = 1 + data[1];
  const float tolerance = static_cast<float>(data[2]) / 32.0F;
  std::vector<Run> runs((size - 3) / sizeof(Run));
  if (!runs.empty()) std::memcpy(runs.data(), data + 3, runs.size() * sizeof(Run));
  const auto polygons = TracePolygons(runs.data(), runs.size(), width, height, tolerance);
  if (polygons.ok()) Require(polygons.value().rings.back() <= polygons.value().points.size());
}

void FuzzJpegSize(const uint8_t* data, size_t size) {
  const JpegSize read = ReadJpegSize(data, size);
  Require(read.width >= 0 && read.width < 65'536 && read.height >= 0 && read.height < 65'536);
  // What is appended to a whole picture does not matter.
  if (ReadJpegState(data, size) != JpegState::kWhole) return;
  std::vector<uint8_t> longer(data, data + size);
  longer.insert(longer.end(), {0xFF, 0xD8, 0xFF});
  Require(ReadJpegState(longer.data(), longer.size()) == JpegState::kWhole);
}

}  // namespace
}  // namespace fastsamd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  switch (data[0] % 3) {
    case 0:
      fastsamd::FuzzRle(data + 1, size - 1);
      break;
    case 1:
      fastsamd::FuzzContours(data + 1, size - 1);
      break;
    default:
      fastsamd::FuzzJpegSize(data + 1, size - 1);
  }
  return 0;
}
