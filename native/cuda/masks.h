#pragma once

#include <cstddef>
#include <vector>

#include "core/objects.h"
#include "cuda/mask_logit.h"
#include "cuda/select_anchor.h"

namespace fastsamd::cuda {

/// The selection as candidates in the order of the anchors, which a GPU does not keep. `Candidate::anchor` is the
/// position in `selected`.
std::vector<Candidate> CandidatesOf(const SelectedAnchor* selected, size_t count);

/// Objects whose logits fit a buffer together.
struct LogitBatch {
  /// objects[begin] to objects[end - 1]; `requests` has one for each whose mask is not empty.
  size_t begin;
  size_t end;
  std::vector<LogitRequest> requests;
  int max_cells;
};

/// What fits into one launch.
struct LogitCapacity {
  /// At least one proto grid.
  size_t logits;
  size_t requests;
};

/// The next objects from `begin` on that fit into one launch.
LogitBatch NextBatch(const std::vector<DetectedObject>& objects, size_t begin, const LogitRunWriter& runs,
                     const SelectedAnchor* selected, const LogitCapacity& capacity);

/// Appends an object for each request, as if the GPU had selected it: its remembered coefficients are written to
/// `selected` from `count` on, where there is room for them. Its mask is then computed with those of the others.
void AppendCarried(const std::vector<CarryRequest>& requests, const Geometry& geometry, SelectedAnchor* selected,
                   size_t count, std::vector<DetectedObject>& objects);

/// Appends the coefficients of the objects, when they are asked for.
void AppendCoefficients(const std::vector<DetectedObject>& objects, const SelectedAnchor* selected,
                        std::vector<float>& coefficients);

/// Moves the masks of the requests, which are the last objects of `segments`, to `segments.carried`.
void TakeCarried(const std::vector<CarryRequest>& requests, const Geometry& geometry, Segments& segments);

/// Appends the batch's objects with the masks of their logits.
void AppendBatch(const std::vector<DetectedObject>& objects, const LogitBatch& batch, const float* logits,
                 LogitRunWriter& runs, Segments& segments);

}  // namespace fastsamd::cuda
