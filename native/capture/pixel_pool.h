#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace fastsamd {

/// Memory for frames of one size, used again once the last owner of a frame lets go of it. The pool may be destroyed
/// before its frames. Thread-safe.
class PixelPool {
 public:
  using Pixels = std::shared_ptr<uint8_t[]>;

  /// At least `bytes` bytes, not initialised. Memory of another size is freed.
  Pixels Take(size_t bytes) {
    std::unique_ptr<uint8_t[]> memory;
    {
      const std::lock_guard lock(free_->mutex);
      if (free_->bytes != bytes) {
        free_->bytes = bytes;
        free_->memory.clear();
      } else if (!free_->memory.empty()) {
        memory = std::move(free_->memory.back());
        free_->memory.pop_back();
      }
    }
    if (memory == nullptr) memory.reset(new uint8_t[bytes]);
    return Pixels(memory.release(), [bytes, free = std::weak_ptr<Free>(free_)](uint8_t* given) {
      std::unique_ptr<uint8_t[]> returned(given);
      const std::shared_ptr<Free> pool = free.lock();
      if (pool == nullptr) return;
      const std::lock_guard lock(pool->mutex);
      if (pool->bytes == bytes && pool->memory.size() < kMaxFree) pool->memory.push_back(std::move(returned));
    });
  }

 private:
  /// As many as a pipeline has in flight, and one.
  static constexpr size_t kMaxFree = 4;

  struct Free {
    std::mutex mutex;
    size_t bytes = 0;
    std::vector<std::unique_ptr<uint8_t[]>> memory;
  };

  std::shared_ptr<Free> free_ = std::make_shared<Free>();
};

}  // namespace fastsamd
