#include "binding/values.h"
#include "binding/verbs.h"
#include "core/image.h"
#include "core/rle.h"

namespace fastsamd::binding {
namespace {

constexpr size_t kMaxCountsBytes = 16 * 1024 * 1024;

}  // namespace

Napi::Value DecodeRle(const Napi::CallbackInfo& info) {
  const std::string counts = ReadString(info[0], "counts", kMaxCountsBytes);
  const int width = ReadInt(info[1], "width", 1, kMaxSide);
  const int height = ReadInt(info[2], "height", 1, kMaxSide);
  Result<std::vector<Run>> runs = fastsamd::DecodeRle(counts, width, height);
  if (!runs.ok()) Throw(info.Env(), runs.error());
  return ToTypedArray<Napi::Uint32Array>(info.Env(), std::move(runs).value());
}

}  // namespace fastsamd::binding
