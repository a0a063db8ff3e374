#include "core/geometry.h"

#include <algorithm>
#include <cmath>

#include "core/image.h"

namespace fastsamd {
namespace {

constexpr int kInputMultiple = 32;

Error Misuse(std::string message) { return {ErrorCode::kMisuse, std::move(message)}; }

std::string SizeText(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

bool IsSide(int value) { return value >= 1 && value <= kMaxSide; }

Status ValidateSizes(int frame_width, int frame_height, int input_width, int input_height) {
  if (!IsSide(frame_width) || !IsSide(frame_height)) {
    return Misuse("expected a frame of 1 to " + std::to_string(kMaxSide) + " pixels a side, got " +
                  SizeText(frame_width, frame_height));
  }
  if (!IsSide(input_width) || !IsSide(input_height) || input_width % kInputMultiple != 0 ||
      input_height % kInputMultiple != 0) {
    return Misuse("expected a network input whose sides are multiples of " + std::to_string(kInputMultiple) +
                  " up to " + std::to_string(kMaxSide) + ", got " + SizeText(input_width, input_height));
  }
  return Ok();
}

/// round(size * ratio), ties to even as in Python, within 1..limit.
int Scaled(int size, double ratio, int limit) {
  return std::clamp(static_cast<int>(std::nearbyint(size * ratio)), 1, limit);
}

}  // namespace

Result<Geometry> MakeGeometry(int frame_width, int frame_height, int input_width, int input_height) {
  Status sizes = ValidateSizes(frame_width, frame_height, input_width, input_height);
  if (!sizes.ok()) return sizes.error();
  const double ratio =
      std::min(static_cast<double>(input_height) / frame_height, static_cast<double>(input_width) / frame_width);
  Geometry geometry;
  geometry.frame_width = frame_width;
  geometry.frame_height = frame_height;
  geometry.input_width = input_width;
  geometry.input_height = input_height;
  geometry.content_width = Scaled(frame_width, ratio, input_width);
  geometry.content_height = Scaled(frame_height, ratio, input_height);
  // round(padding / 2 - 0.1) of an integer padding is its half rounded down.
  geometry.left = (input_width - geometry.content_width) / 2;
  geometry.top = (input_height - geometry.content_height) / 2;
  return geometry;
}

Status Validate(const Geometry& geometry) {
  Status sizes =
      ValidateSizes(geometry.frame_width, geometry.frame_height, geometry.input_width, geometry.input_height);
  if (!sizes.ok()) return sizes;
  const bool fits = geometry.left >= 0 && geometry.top >= 0 && geometry.content_width >= 1 &&
                    geometry.content_height >= 1 && geometry.content_width <= geometry.input_width &&
                    geometry.content_height <= geometry.input_height &&
                    geometry.left <= geometry.input_width - geometry.content_width &&
                    geometry.top <= geometry.input_height - geometry.content_height;
  if (!fits) {
    return Misuse("expected letterbox content inside the " + SizeText(geometry.input_width, geometry.input_height) +
                  " input, got " + SizeText(geometry.content_width, geometry.content_height) + " at " +
                  std::to_string(geometry.left) + "," + std::to_string(geometry.top));
  }
  return Ok();
}

}  // namespace fastsamd
