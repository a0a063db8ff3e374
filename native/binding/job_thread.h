#pragma once

#include <napi.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "binding/job.h"

namespace fastsamd::binding {

/// How long the end of an environment waits for a pipeline that was not stopped.
inline constexpr std::chrono::milliseconds kTeardownTimeout{1000};

/// A thread for the blocking calls of one native object, in order, so that a slow camera never occupies the libuv
/// pool. The thread starts with the first job. A job under way keeps the process alive, an idle job thread does not.
/// All members are called on the JS thread.
class JobThread {
 public:
  /// `interrupt` makes a blocking call in progress return soon; `shut_down` runs when the environment ends, after the
  /// thread has.
  JobThread(Napi::Env env, const char* name, std::function<void()> interrupt, std::function<void()> shut_down);
  ~JobThread();
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;

  void Submit(std::unique_ptr<Job> job);
  /// Submits the last job: the job thread closes by itself when all have settled.
  void SubmitLast(std::unique_ptr<Job> job);
  /// Whether a job has not settled yet.
  bool busy() const { return unsettled_ > 0; }
  /// Interrupts, joins the thread and drops jobs that have not settled. Runs by itself when the environment ends.
  void Close();

 private:
  void Work();
  void SettleDone(Napi::Env env);
  static void Wake(napi_env env, napi_value callback, void* self, void* data);
  static void AtTeardown(void* self);

  const Napi::Env env_;
  const char* const name_;
  const std::function<void()> interrupt_;
  const std::function<void()> shut_down_;
  napi_threadsafe_function wake_ = nullptr;
  size_t unsettled_ = 0;
  bool last_submitted_ = false;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Job>> queued_;
  std::deque<std::unique_ptr<Job>> done_;
  bool closed_ = false;
};

}  // namespace fastsamd::binding
