#include "binding/job_thread.h"

#include <system_error>
#include <utility>

namespace fastsamd::binding {

JobThread::JobThread(Napi::Env env, const char* name, std::function<void()> interrupt, std::function<void()> shut_down)
    : env_(env), name_(name), interrupt_(std::move(interrupt)), shut_down_(std::move(shut_down)) {}

JobThread::~JobThread() { Close(); }

void JobThread::Submit(std::unique_ptr<Job> job) {
  if (wake_ == nullptr) {
    const napi_status made = napi_create_threadsafe_function(env_, nullptr, nullptr, Napi::String::New(env_, name_), 0,
                                                             1, nullptr, nullptr, this, &JobThread::Wake, &wake_);
    if (made != napi_ok) throw Napi::Error::New(env_);
    napi_unref_threadsafe_function(env_, wake_);
    // Hooks run in reverse order: this one joins the thread before the environment frees the function it calls.
    napi_add_env_cleanup_hook(env_, &JobThread::AtTeardown, this);
    try {
      thread_ = std::thread([this] { Work(); });
    } catch (const std::system_error& failure) {
      Close();
      Throw(env_, {ErrorCode::kInternal, std::string("cannot start a thread: ") + failure.what()});
    }
  }
  if (unsettled_++ == 0) napi_ref_threadsafe_function(env_, wake_);
  const std::lock_guard lock(mutex_);
  queued_.push_back(std::move(job));
  changed_.notify_one();
}

void JobThread::SubmitLast(std::unique_ptr<Job> job) {
  Submit(std::move(job));
  last_submitted_ = true;
}

void JobThread::Close() {
  if (wake_ == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }
  interrupt_();
  if (thread_.joinable()) thread_.join();
  napi_remove_env_cleanup_hook(env_, &JobThread::AtTeardown, this);
  napi_unref_threadsafe_function(env_, wake_);
  napi_release_threadsafe_function(std::exchange(wake_, nullptr), napi_tsfn_abort);
  queued_.clear();
  done_.clear();
}

void JobThread::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closed_ || !queued_.empty(); });
    if (closed_) return;
    std::unique_ptr<Job> job = std::move(queued_.front());
    queued_.pop_front();
    lock.unlock();
    job->Execute();
    lock.lock();
    done_.push_back(std::move(job));
    napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  }
}

void JobThread::SettleDone(Napi::Env env) {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      const std::lock_guard lock(mutex_);
      if (done_.empty()) return;
      job = std::move(done_.front());
      done_.pop_front();
    }
    if (--unsettled_ == 0) napi_unref_threadsafe_function(env, wake_);
    job->Settle(env);
    if (last_submitted_ && !busy()) Close();
  }
}

void JobThread::Wake(napi_env env, napi_value, void* self, void*) {
  if (env == nullptr) return;  // the function is being torn down, and the job thread may be gone
  try {
    static_cast<JobThread*>(self)->SettleDone(env);
  } catch (const Napi::Error&) {
    // Settling fails only when the environment is being terminated: no caller is left.
  }
}

void JobThread::AtTeardown(void* self) {
  auto* job_thread = static_cast<JobThread*>(self);
  job_thread->Close();
  job_thread->shut_down_();
}

}  // namespace fastsamd::binding
