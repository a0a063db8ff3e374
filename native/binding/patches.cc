#include "measure/patches.h"

#include <string>

#include "binding/job.h"
#include "binding/values.h"
#include "binding/verbs.h"

namespace fastsamd::binding {
namespace {

constexpr int kMostDims = 4096;

/// `values` as rows of `dims` numbers.
Rows ReadRows(Napi::Value value, const char* name, size_t dims, Pins& pins) {
  const Span<float> values = ReadFloats(value, name, kAnyLength, pins);
  if (values.size % dims != 0) {
    Throw(value.Env(),
          {ErrorCode::kMisuse, std::string(name) + ": expected rows of " + std::to_string(dims) + " numbers"});
  }
  return {values.data, values.size / dims, dims};
}

}  // namespace

Napi::Value PatchCoreset(const Napi::CallbackInfo& info) {
  Pins pins;
  const auto dims = static_cast<size_t>(ReadInt(info[1], "dims", 1, kMostDims));
  const Rows rows = ReadRows(info[0], "rows", dims, pins);
  const auto most = static_cast<size_t>(ReadInt(info[2], "most", 1, 1'000'000));
  return RunOnPool(
      info.Env(), "fastsamd.patchCoreset", std::move(pins),
      [rows, most]() -> Result<std::vector<uint32_t>> { return GreedyCoreset(rows, most); },
      ToTypedArray<Napi::Uint32Array, uint32_t>);
}

Napi::Value PatchDistances(const Napi::CallbackInfo& info) {
  Pins pins;
  const auto dims = static_cast<size_t>(ReadInt(info[2], "dims", 1, kMostDims));
  const Rows rows = ReadRows(info[0], "rows", dims, pins);
  const Rows memory = ReadRows(info[1], "memory", dims, pins);
  if (memory.count == 0) Throw(info.Env(), {ErrorCode::kMisuse, "memory: expected at least one row"});
  return RunOnPool(
      info.Env(), "fastsamd.patchDistances", std::move(pins),
      [rows, memory]() -> Result<std::vector<float>> { return NearestDistances(rows, memory); },
      ToTypedArray<Napi::Float32Array, float>);
}

}  // namespace fastsamd::binding
