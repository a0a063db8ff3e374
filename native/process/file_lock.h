#pragma once

#include <string>

#include "core/result.h"

namespace fastsamd {

/// Takes an exclusive lock on a file, which is made where it is missing, and writes `holder` into it. The kernel
/// frees the lock when the process ends, however it ends. Never waits.
/// Returns the descriptor that holds the lock, or −1 when another process has it: `holder` is then what that one wrote.
/// Errors: kOutputUnwritable.
Result<int> LockFile(const std::string& path, std::string& holder);

}  // namespace fastsamd
