#pragma once

#include <vector>

#include "core/candidates.h"
#include "core/logit_runs.h"

namespace fastsamd {

/// One object of a frame, all but its mask.
struct DetectedObject {
  /// Source pixels, clipped to the frame.
  BoxF box;
  /// The pixels x with x1 <= x < x2, y alike.
  PixelRect pixels;
  float score;
  int32_t class_index;
  /// Column of the detections, where its mask coefficients are.
  int32_t anchor;
};

/// Checks thresholds that come from outside. Errors: kMisuse.
Status Validate(const DecodeOptions& options);

/// NMS and border snap, then the boxes in frame coordinates; by descending score. `options` and `geometry` are valid,
/// the candidates in the order of the anchors.
std::vector<DetectedObject> FindObjects(std::vector<Candidate> candidates, const Geometry& geometry,
                                        const DecodeOptions& options);

/// Segments of a frame without objects yet.
Segments NoSegments(const Geometry& geometry);

/// The pixels of a request's box, within the frame; may be empty.
PixelRect PixelsOf(const CarryRequest& request, const Geometry& geometry);

/// Ends the mask whose runs are at the end of `carried.runs`: only the largest of its connected parts stays, as the box
/// of a remembered object often holds some of a neighbour of the same shape.
void FinishCarried(uint32_t id, const Geometry& geometry, Carried& carried);

/// Appends an object whose runs are already at the end of `segments.runs`.
void AppendObject(const DetectedObject& object, uint32_t area, Segments& segments);

}  // namespace fastsamd
