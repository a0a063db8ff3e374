#pragma once

#include <chrono>

namespace fastsamd {

/// Ends the process after `limit` with this exit code, whatever its threads are doing then: exit(3) would wait for
/// those that hang. Called again, the new limit and code replace the old ones.
void EndProcessAfter(std::chrono::milliseconds limit, int code);

}  // namespace fastsamd
