#include "process/last_deadline.h"

#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace fastsamd {
namespace {

struct Deadline {
  std::mutex mutex;
  std::condition_variable changed;
  std::chrono::steady_clock::time_point at;
  int code = 0;
  bool armed = false;
};

}  // namespace

void EndProcessAfter(std::chrono::milliseconds limit, int code) {
  // Never freed: its thread outlives everything else.
  static Deadline& deadline = *new Deadline;
  const std::lock_guard lock(deadline.mutex);
  deadline.at = std::chrono::steady_clock::now() + limit;
  deadline.code = code;
  deadline.changed.notify_all();
  if (deadline.armed) return;
  deadline.armed = true;
  std::thread([] {
    std::unique_lock waiting(deadline.mutex);
    while (std::chrono::steady_clock::now() < deadline.at) {
      const auto at = deadline.at;
      deadline.changed.wait_until(waiting, at);
    }
    _exit(deadline.code);
  }).detach();
}

}  // namespace fastsamd
