#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace fastsamd {

using Deadline = std::chrono::steady_clock::time_point;

/// The fate of an untaken item when the next one arrives.
enum class WhenFull { kOverwrite, kWait };

/// One slot between a producer and a consumer, and the only place in the dataflow where a frame may be dropped. With
/// kOverwrite the newest item wins and the drop is counted; with kWait the producer waits and nothing is lost.
template <typename T>
class Mailbox {
 public:
  enum class Outcome { kItem, kEnd, kTimeout };

  explicit Mailbox(WhenFull when_full) : when_full_(when_full) {}

  /// False, without keeping the item, once the mailbox is closed: it counts as discarded.
  bool Put(T item) {
    std::optional<T> replaced;  // freed after the lock: releasing a frame may call into a driver
    std::unique_lock lock(mutex_);
    if (when_full_ == WhenFull::kWait) {
      ++waiting_;
      changed_.wait(lock, [this] { return closed_ || !slot_; });
      --waiting_;
    }
    if (closed_) {
      ++discarded_;
      return false;
    }
    if (slot_) ++overwritten_;
    replaced = std::exchange(slot_, std::optional<T>(std::move(item)));
    changed_.notify_all();
    return true;
  }

  /// Waits for an item until `deadline`. After End, what is still underway is handed out first.
  Outcome Take(std::optional<T>& item, Deadline deadline) {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return closed_ || slot_ || (ended_ && waiting_ == 0); };
    if (!changed_.wait_until(lock, deadline, ready)) return Outcome::kTimeout;
    if (!slot_) return Outcome::kEnd;
    item = std::exchange(slot_, std::nullopt);
    changed_.notify_all();
    return Outcome::kItem;
  }

  /// Nothing new is expected: Take reports the end once the slot is empty.
  void End() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  /// Drops the item, releases a waiting producer and refuses further items.
  void Close() {
    std::optional<T> dropped;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (slot_) ++discarded_;
    dropped.swap(slot_);
    changed_.notify_all();
  }

  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  uint64_t overwritten() const {
    const std::lock_guard lock(mutex_);
    return overwritten_;
  }

  /// Items that were under way when the mailbox was closed.
  uint64_t discarded() const {
    const std::lock_guard lock(mutex_);
    return discarded_;
  }

 private:
  const WhenFull when_full_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<T> slot_;
  int waiting_ = 0;
  bool ended_ = false;
  bool closed_ = false;
  uint64_t overwritten_ = 0;
  uint64_t discarded_ = 0;
};

}  // namespace fastsamd
