#pragma once

#include <optional>

namespace fastsamd {

/// Whether the kernel's wall clock is disciplined by NTP or PTP (adjtimex); empty when the kernel does not say.
std::optional<bool> ClockSynced();

}  // namespace fastsamd
