#include "core/decode.h"

#include <array>
#include <string>

#include "core/candidates.h"
#include "core/mask_runs.h"
#include "core/objects.h"

namespace fastsamd {
namespace {

/// Anchors of a YOLOv8 head: one per cell at strides 8, 16 and 32.
size_t AnchorsOf(const Geometry& geometry) {
  const size_t pixels = static_cast<size_t>(geometry.input_width) * static_cast<size_t>(geometry.input_height);
  return pixels / (8 * 8) + pixels / (16 * 16) + pixels / (32 * 32);
}

}  // namespace

Status Validate(const RawOutputs& outputs, const Geometry& geometry) {
  if (outputs.detections == nullptr || outputs.proto == nullptr) {
    return Error{ErrorCode::kMisuse, "expected detections and proto masks to decode, got none"};
  }
  if (outputs.classes < 1) {
    return Error{ErrorCode::kModelUnsupported,
                 "expected a model with at least one class score, got " + std::to_string(outputs.classes)};
  }
  const size_t expected = AnchorsOf(geometry);
  if (outputs.anchors < 1 || static_cast<size_t>(outputs.anchors) != expected) {
    return Error{ErrorCode::kModelUnsupported,
                 "expected " + std::to_string(expected) + " anchors for a " + std::to_string(geometry.input_width) +
                     "x" + std::to_string(geometry.input_height) + " input, got " + std::to_string(outputs.anchors)};
  }
  return Ok();
}

namespace {

std::array<float, kMaskChannels> CoefficientsOf(const RawOutputs& outputs, int32_t anchor) {
  const size_t anchors = static_cast<size_t>(outputs.anchors);
  const float* column =
      outputs.detections + (4 + static_cast<size_t>(outputs.classes)) * anchors + static_cast<size_t>(anchor);
  std::array<float, kMaskChannels> coefficients{};
  for (size_t k = 0; k < kMaskChannels; ++k) coefficients[k] = column[k * anchors];
  return coefficients;
}

}  // namespace

Result<Segments> Decode(const RawOutputs& outputs, const Geometry& geometry, const DecodeOptions& options) {
  if (Status valid = Validate(geometry); !valid.ok()) return valid.error();
  if (Status valid = Validate(outputs, geometry); !valid.ok()) return valid.error();
  if (Status valid = Validate(options); !valid.ok()) return valid.error();

  Segments segments = NoSegments(geometry);
  MaskRunWriter masks(outputs.proto, geometry);
  for (const DetectedObject& object : FindObjects(SelectCandidates(outputs, options.conf), geometry, options)) {
    const auto coefficients = CoefficientsOf(outputs, object.anchor);
    AppendObject(object, masks.Append(coefficients.data(), object.pixels, segments.runs), segments);
    if (options.coefficients) {
      segments.coefficients.insert(segments.coefficients.end(), coefficients.begin(), coefficients.end());
    }
  }
  for (const CarryRequest& request : options.carry) {
    masks.Append(request.coefficients.data(), PixelsOf(request, geometry), segments.carried.runs);
    FinishCarried(request.id, geometry, segments.carried);
  }
  return segments;
}

}  // namespace fastsamd
