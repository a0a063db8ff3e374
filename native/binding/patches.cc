#include "measure/patches.h"

#include <string>
#include <vector>

#include "binding/job.h"
#include "binding/values.h"
#include "binding/verbs.h"

namespace fastsamd::binding {
namespace {

constexpr int kMostDims = 4096;
constexpr size_t kMostMaps = 8;

/// `values` as rows of `dims` numbers.
Rows ReadRows(Napi::Value value, const char* name, size_t dims, Pins& pins) {
  const Span<float> values = ReadFloats(value, name, kAnyLength, pins);
  if (values.size % dims != 0) {
    Throw(value.Env(),
          {ErrorCode::kMisuse, std::string(name) + ": expected rows of " + std::to_string(dims) + " numbers"});
  }
  return {values.data, values.size / dims, dims};
}

/// `value`: [{values, channels, height, width}], the finest first.
std::vector<FeatureMap> ReadMaps(Napi::Value value, Pins& pins) {
  const Napi::Array list = ReadArray(value, "maps", kMostMaps);
  std::vector<FeatureMap> maps(list.Length());
  for (uint32_t k = 0; k < maps.size(); ++k) {
    const Napi::Object map = ReadObject(list.Get(k), "maps[]");
    maps[k].channels = static_cast<size_t>(ReadInt(map.Get("channels"), "maps[].channels", 1, kMostDims));
    maps[k].height = static_cast<size_t>(ReadInt(map.Get("height"), "maps[].height", 1, kMaxSide));
    maps[k].width = static_cast<size_t>(ReadInt(map.Get("width"), "maps[].width", 1, kMaxSide));
    const size_t size = maps[k].channels * maps[k].height * maps[k].width;
    maps[k].values = ReadFloats(map.Get("values"), "maps[].values", size, pins).data;
    const size_t step = maps[0].width / maps[k].width;
    if (step == 0 || step * maps[k].width != maps[0].width || step * maps[k].height != maps[0].height) {
      Throw(value.Env(), {ErrorCode::kMisuse, "maps: expected sides that divide those of the first map"});
    }
  }
  if (maps.empty()) Throw(value.Env(), {ErrorCode::kMisuse, "maps: expected at least one"});
  return maps;
}

}  // namespace

Napi::Value PatchRows(const Napi::CallbackInfo& info) {
  Pins pins;
  std::vector<FeatureMap> maps = ReadMaps(info[0], pins);
  std::vector<uint32_t> cells = ReadIndices(info[1], "cells", maps[0].height * maps[0].width);
  size_t dims = 0;
  for (const FeatureMap& map : maps) dims += map.channels;
  const float* mean = info[2].IsUndefined() ? nullptr : ReadFloats(info[2], "mean", dims, pins).data;
  const float* sd = info[3].IsUndefined() ? nullptr : ReadFloats(info[3], "sd", dims, pins).data;
  return RunOnPool(
      info.Env(), "fastsamd.patchRows", std::move(pins),
      [maps = std::move(maps), cells = std::move(cells), mean, sd]() -> Result<std::vector<float>> {
        return fastsamd::PatchRows(maps, cells, mean, sd);
      },
      ToTypedArray<Napi::Float32Array, float>);
}

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

Napi::Value PatchHighest(const Napi::CallbackInfo& info) {
  Pins pins;
  const auto dims = static_cast<size_t>(ReadInt(info[2], "dims", 1, kMostDims));
  const Rows rows = ReadRows(info[0], "rows", dims, pins);
  const Rows memory = ReadRows(info[1], "memory", dims, pins);
  const auto most = static_cast<size_t>(ReadInt(info[3], "most", 1, 1'000'000));
  if (memory.count == 0) Throw(info.Env(), {ErrorCode::kMisuse, "memory: expected at least one row"});
  return RunOnPool(
      info.Env(), "fastsamd.patchHighest", std::move(pins),
      [rows, memory, most]() -> Result<std::vector<double>> {
        std::vector<double> flat;
        for (const FarRow& far : HighestDistances(rows, memory, most)) {
          flat.push_back(far.row);
          flat.push_back(far.distance);
        }
        return flat;
      },
      ToTypedArray<Napi::Float64Array, double>);
}

}  // namespace fastsamd::binding
