#pragma once

#include <napi.h>

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "binding/arguments.h"
#include "binding/environment.h"
#include "core/result.h"

namespace fastsamd::binding {

/// Work behind a promise: made and settled on the JS thread, executed on another.
class Job {
 public:
  virtual ~Job() = default;
  virtual void Execute() noexcept = 0;
  /// Throws Napi::Error only when the environment no longer runs JS.
  virtual void Settle(Napi::Env env) = 0;
};

/// What `work`, () -> Result<T>, returns or throws.
template <typename Work>
std::invoke_result_t<Work&> Guarded(Work&& work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "not enough memory for the call"};
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kInternal, failure.what()};
  }
}

/// Resolves with what `convert` makes of a value, rejects with an error.
template <typename T, typename Convert>
void SettleWith(Napi::Env env, Napi::Promise::Deferred& deferred, Result<T>& outcome, Convert& convert) {
  try {
    if (outcome.ok()) {
      deferred.Resolve(convert(env, std::move(outcome).value()));
    } else {
      deferred.Reject(ToJsError(env, outcome.error()).Value());
    }
  } catch (const Napi::Error& thrown) {
    deferred.Reject(thrown.Value());
  }
}

/// `Work` is a pure function over what it captures, () -> Result<T>; `Convert` makes a JS value of the T,
/// (Napi::Env, T&&) -> Napi::Value. The pinned JS objects stay alive until the promise settles.
template <typename Work, typename Convert>
class PromiseJob final : public Job {
 public:
  PromiseJob(Napi::Env env, Pins pins, Work work, Convert convert)
      : deferred_(Napi::Promise::Deferred::New(env)),
        pins_(std::move(pins)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() noexcept override { outcome_.emplace(Guarded(work_)); }

  void Settle(Napi::Env env) override {
    const Napi::HandleScope scope(env);
    SettleWith(env, deferred_, *outcome_, convert_);
  }

 private:
  Napi::Promise::Deferred deferred_;
  Pins pins_;
  Work work_;
  Convert convert_;
  std::optional<std::invoke_result_t<Work>> outcome_;
};

template <typename Work, typename Convert>
std::unique_ptr<PromiseJob<Work, Convert>> MakeJob(Napi::Env env, Pins pins, Work work, Convert convert) {
  return std::make_unique<PromiseJob<Work, Convert>>(env, std::move(pins), std::move(work), std::move(convert));
}

/// Calls `function`, which returns a promise, and turns what it throws into a rejection: a function that promises never
/// throws.
template <typename Function>
Napi::Value RejectWhatIsThrown(Napi::Env env, Function function) {
  try {
    return function();
  } catch (const Napi::Error& thrown) {
    const auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(thrown.Value());
    return deferred.Promise();
  }
}

/// Carries a job through the libuv pool.
class PoolWorker final : public Napi::AsyncWorker {
 public:
  PoolWorker(Napi::Env env, const char* name, std::unique_ptr<Job> job)
      : Napi::AsyncWorker(env, name), job_(std::move(job)) {}

 protected:
  void Execute() override { job_->Execute(); }
  void OnOK() override { job_->Settle(Env()); }

 private:
  std::unique_ptr<Job> job_;
};

/// Runs `work` on the libuv pool; see PromiseJob.
template <typename Work, typename Convert>
Napi::Promise RunOnPool(Napi::Env env, const char* name, Pins pins, Work work, Convert convert) {
  auto job = MakeJob(env, std::move(pins), std::move(work), std::move(convert));
  const Napi::Promise promise = job->promise();
  auto* worker = new PoolWorker(env, name, std::move(job));  // deletes itself when done
  worker->Queue();
  return promise;
}

}  // namespace fastsamd::binding
