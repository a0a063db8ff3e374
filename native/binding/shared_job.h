#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "binding/job.h"
#include "core/item_queue.h"

namespace fastsamd::binding {

/// Runs `count` items on several threads and settles one promise. Each thread takes the next item when it is free, so
/// that a slow thread delays one item only. A thread calls `make_part` before its first item, for a function (size_t)
/// -> Result<Item> that runs one item. `join`, std::vector<Item> -> T, runs in the last thread to finish; `convert` is
/// that of PromiseJob. The promise rejects with the error of the first item that failed.
template <typename Item, typename MakePart, typename Join, typename Convert>
class SharedWork {
 public:
  SharedWork(Napi::Env env, Pins pins, size_t count, MakePart make_part, Join join, Convert convert)
      : deferred_(Napi::Promise::Deferred::New(env)),
        pins_(std::move(pins)),
        queue_(count),
        outcomes_(count),
        make_part_(std::move(make_part)),
        join_(std::move(join)),
        convert_(std::move(convert)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  /// Does items until none is left. Called by any number of threads at once; true in the call that finished the work.
  bool Advance() noexcept {
    std::optional<Part> part;
    for (std::optional<size_t> item = queue_.Take(); item; item = queue_.Take()) {
      outcomes_[*item].emplace(Guarded([&]() -> Result<Item> {
        if (!part) part.emplace(make_part_());
        return (*part)(*item);
      }));
      if (!queue_.Finish()) continue;
      joined_.emplace(Guarded([this] { return Joined(); }));
      return true;
    }
    return false;
  }

  /// On the JS thread, once, when the work is finished.
  void Settle(Napi::Env env) {
    const Napi::HandleScope scope(env);
    pins_.clear();
    SettleWith(env, deferred_, *joined_, convert_);
  }

 private:
  using Part = std::invoke_result_t<MakePart&>;
  using Whole = std::invoke_result_t<Join&, std::vector<Item>>;

  Result<Whole> Joined() {
    std::vector<Item> items;
    items.reserve(outcomes_.size());
    for (std::optional<Result<Item>>& outcome : outcomes_) {
      if (!outcome->ok()) return outcome->error();
      items.push_back(std::move(*outcome).value());
    }
    return join_(std::move(items));
  }

  Napi::Promise::Deferred deferred_;
  Pins pins_;
  ItemQueue queue_;
  std::vector<std::optional<Result<Item>>> outcomes_;
  MakePart make_part_;
  Join join_;
  Convert convert_;
  std::optional<Result<Whole>> joined_;
};

/// One thread's share.
template <typename Work>
class ShareJob final : public Job {
 public:
  explicit ShareJob(std::shared_ptr<Work> work) : work_(std::move(work)) {}

  void Execute() noexcept override { finished_ = work_->Advance(); }
  void Settle(Napi::Env env) override {
    if (finished_) work_->Settle(env);
  }

 private:
  std::shared_ptr<Work> work_;
  bool finished_ = false;
};

/// Runs SharedWork on up to `threads` threads of the libuv pool.
template <typename Item, typename MakePart, typename Join, typename Convert>
Napi::Promise ShareOnPool(Napi::Env env, const char* name, size_t threads, Pins pins, size_t count, MakePart make_part,
                          Join join, Convert convert) {
  using Work = SharedWork<Item, MakePart, Join, Convert>;
  if (count == 0) {
    const auto nothing = [join]() -> Result<std::invoke_result_t<Join&, std::vector<Item>>> { return join({}); };
    return RunOnPool(env, name, std::move(pins), nothing, std::move(convert));
  }
  const auto work =
      std::make_shared<Work>(env, std::move(pins), count, std::move(make_part), std::move(join), std::move(convert));
  for (size_t k = 0; k < threads; ++k) {
    auto* worker = new PoolWorker(env, name, std::make_unique<ShareJob<Work>>(work));  // deletes itself when done
    worker->Queue();
  }
  return work->promise();
}

}  // namespace fastsamd::binding
