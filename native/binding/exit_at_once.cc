#include <unistd.h>

#include "binding/arguments.h"
#include "binding/verbs.h"

namespace fastsamd::binding {

void ExitAtOnce(const Napi::CallbackInfo& info) { _exit(ReadInt(info[0], "code", 0, 255)); }

}  // namespace fastsamd::binding
