#include "cuda/masks.h"

#include <algorithm>
#include <numeric>

namespace fastsamd::cuda {
namespace {

bool IsEmpty(const PixelRect& rect) { return rect.x0 >= rect.x1 || rect.y0 >= rect.y1; }

}  // namespace

std::vector<Candidate> CandidatesOf(const SelectedAnchor* selected, size_t count) {
  std::vector<int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return selected[a].anchor < selected[b].anchor; });
  std::vector<Candidate> candidates;
  candidates.reserve(count);
  for (const int32_t at : order) {
    const SelectedAnchor& anchor = selected[at];
    candidates.push_back({{anchor.x1, anchor.y1, anchor.x2, anchor.y2}, anchor.score, anchor.class_index, at});
  }
  return candidates;
}

LogitBatch NextBatch(const std::vector<DetectedObject>& objects, size_t begin, const LogitRunWriter& runs,
                     const SelectedAnchor* selected, const LogitCapacity& capacity) {
  LogitBatch batch{begin, begin, {}, 0};
  size_t used = 0;
  for (; batch.end < objects.size(); ++batch.end) {
    const DetectedObject& object = objects[batch.end];
    if (IsEmpty(object.pixels)) continue;
    const CellRect cells = runs.CellsOf(object.pixels);
    if (used + cells.size() > capacity.logits || batch.requests.size() == capacity.requests) break;
    LogitRequest request{cells.column, cells.row, cells.columns, cells.rows, static_cast<uint32_t>(used), {}};
    std::copy_n(selected[object.anchor].coefficients, kMaskChannels, request.coefficients);
    batch.requests.push_back(request);
    batch.max_cells = std::max(batch.max_cells, cells.columns * cells.rows);
    used += cells.size();
  }
  return batch;
}

void AppendCarried(const std::vector<CarryRequest>& requests, const Geometry& geometry, SelectedAnchor* selected,
                   size_t count, std::vector<DetectedObject>& objects) {
  for (const CarryRequest& request : requests) {
    objects.push_back({{}, PixelsOf(request, geometry), 0.0F, 0, static_cast<int32_t>(count)});
    std::copy(request.coefficients.begin(), request.coefficients.end(), selected[count++].coefficients);
  }
}

void AppendCoefficients(const std::vector<DetectedObject>& objects, const SelectedAnchor* selected,
                        std::vector<float>& coefficients) {
  for (const DetectedObject& object : objects) {
    const float* values = selected[object.anchor].coefficients;
    coefficients.insert(coefficients.end(), values, values + kMaskChannels);
  }
}

void TakeCarried(const std::vector<CarryRequest>& requests, const Geometry& geometry, Segments& segments) {
  const size_t found = segments.count() - requests.size();
  Carried& carried = segments.carried;
  for (size_t i = 0; i < requests.size(); ++i) {
    carried.runs.insert(carried.runs.end(), segments.runs.begin() + segments.offsets[found + i],
                        segments.runs.begin() + segments.offsets[found + i + 1]);
    FinishCarried(requests[i].id, geometry, carried);
  }
  segments.boxes.resize(4 * found);
  segments.scores.resize(found);
  segments.classes.resize(found);
  segments.areas.resize(found);
  segments.offsets.resize(found + 1);
  segments.runs.resize(segments.offsets.back());
}

void AppendBatch(const std::vector<DetectedObject>& objects, const LogitBatch& batch, const float* logits,
                 LogitRunWriter& runs, Segments& segments) {
  auto request = batch.requests.begin();
  for (size_t i = batch.begin; i < batch.end; ++i) {
    const DetectedObject& object = objects[i];
    const bool empty = IsEmpty(object.pixels);
    AppendObject(object, empty ? 0 : runs.Append(logits + (request++)->offset, object.pixels, segments.runs), segments);
  }
}

}  // namespace fastsamd::cuda
