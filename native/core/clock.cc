#include "core/clock.h"

#include <sys/timex.h>

namespace fastsamd {

std::optional<bool> ClockSynced() {
  timex request = {};
  const int state = adjtimex(&request);
  if (state < 0) return std::nullopt;
  return state != TIME_ERROR && (request.status & STA_UNSYNC) == 0;
}

}  // namespace fastsamd
