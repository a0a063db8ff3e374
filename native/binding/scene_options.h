#pragma once

#include "binding/arguments.h"
#include "scenes/view.h"

namespace fastsamd::binding {

/// An option of a drawn scene that is off where it is absent. Errors: MISUSE.
bool ReadSwitch(const Napi::Object& options, const char* name);

/// `camera`, `bar` and `light` of a drawn scene. Errors: MISUSE.
ViewOptions ReadView(const Napi::Object& options);

}  // namespace fastsamd::binding
