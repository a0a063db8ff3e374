#pragma once

#include <napi.h>

namespace fastsamd::binding {

/// The object `tensorrt` of the addon; see src/addon/tensorrt.ts.
Napi::Object MakeTensorRt(Napi::Env env);

}  // namespace fastsamd::binding
