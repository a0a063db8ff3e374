#pragma once

#include <atomic>
#include <cstddef>
#include <optional>

namespace fastsamd {

/// Hands the items of one piece of work out to the threads that ask, each once, in order.
class ItemQueue {
 public:
  explicit ItemQueue(size_t count) : count_(count) {}

  /// The next item; nothing once all are handed out.
  std::optional<size_t> Take() {
    const size_t item = next_.fetch_add(1, std::memory_order_relaxed);
    return item < count_ ? std::optional<size_t>(item) : std::nullopt;
  }

  /// An item that was taken is done. True for the last one of all: that thread then sees what the others wrote.
  bool Finish() { return done_.fetch_add(1, std::memory_order_acq_rel) + 1 == count_; }

 private:
  const size_t count_;
  std::atomic<size_t> next_{0};
  std::atomic<size_t> done_{0};
};

}  // namespace fastsamd
