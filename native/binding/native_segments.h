#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>

#include "binding/arguments.h"
#include "core/result.h"
#include "core/segments.h"

namespace fastsamd::binding {

/// Valid segments that jobs share. Nothing writes to them.
using SharedSegments = std::shared_ptr<const Segments>;

/// Segments on their way to JS: native code keeps `shared`, JS gets the arrays of `copy`.
struct OutgoingSegments {
  SharedSegments shared;
  Segments copy;
};

/// Makes both of `segments`, which must be valid. For the thread that computed them.
OutgoingSegments Outgoing(Segments segments);

/// A frozen object as in src/domain/segments.ts that also holds the native segments: calls that are given this object
/// read those, without a copy or a check. JS may write to its arrays; native code does not see that.
Napi::Object ToObject(Napi::Env env, OutgoingSegments segments);

/// Segments as an argument: native ones, or typed arrays in JS memory whose lengths fit each other.
struct SegmentsInput {
  size_t count = 0;
  int width = 0;
  int height = 0;
  /// Null for typed arrays.
  SharedSegments shared;

  /// What follows is of typed arrays.
  Span<float> boxes;
  Span<float> scores;
  Span<int32_t> classes;
  Span<uint32_t> areas;
  Span<uint32_t> runs;
  Span<uint32_t> offsets;
  /// Empty when there are none.
  Span<float> coefficients;
  /// Pairs of these belong to `carried_ids`; empty when nothing was carried.
  Span<uint32_t> carried_ids;
  Span<uint32_t> carried_runs;
  Span<uint32_t> carried_offsets;

  /// Valid segments; for a job. Typed arrays are copied, because JS can write to them meanwhile, and the copy is
  /// checked. Errors: kMisuse.
  Result<SharedSegments> Checked() const;
};

/// Throws MISUSE.
SegmentsInput ReadSegments(Napi::Value value, const char* name, Pins& pins);

}  // namespace fastsamd::binding
