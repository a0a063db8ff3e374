#include "process/line_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace fastsamd {

struct LineWriter::State {
  State(int descriptor, size_t capacity) : descriptor(descriptor), capacity(capacity) {}
  ~State() { close(descriptor); }

  const int descriptor;
  const size_t capacity;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> waiting;
  size_t bytes = 0;
  bool writing = false;
  bool closed = false;
  std::atomic<uint64_t> lost{0};
};

namespace {

/// False when the descriptor refuses. A line that was begun is not repeated: half of it is there already.
bool WriteAll(int descriptor, const std::string& line) {
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t written = write(descriptor, line.data() + done, line.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    pollfd ready{descriptor, POLLOUT, 0};
    poll(&ready, 1, -1);
  }
  return true;
}

}  // namespace

LineWriter::LineWriter(int descriptor, size_t capacity) : state_(std::make_shared<State>(descriptor, capacity)) {
  std::thread([state = state_] {
    std::unique_lock lock(state->mutex);
    for (;;) {
      state->changed.wait(lock, [&] { return state->closed || !state->waiting.empty(); });
      if (state->waiting.empty()) return;
      const std::string line = std::move(state->waiting.front());
      state->waiting.pop_front();
      state->writing = true;
      lock.unlock();
      const bool taken = WriteAll(state->descriptor, line);
      lock.lock();
      if (!taken) state->lost += 1;
      state->bytes -= line.size();
      state->writing = false;
      state->changed.notify_all();
    }
  }).detach();
}

LineWriter::~LineWriter() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->changed.notify_all();
}

bool LineWriter::Write(std::string line) {
  const std::lock_guard lock(state_->mutex);
  if (state_->closed || state_->bytes + line.size() > state_->capacity) {
    state_->lost += 1;
    return false;
  }
  state_->bytes += line.size();
  state_->waiting.push_back(std::move(line));
  state_->changed.notify_all();
  return true;
}

bool LineWriter::Flush(std::chrono::milliseconds limit) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, limit, [&] { return state_->waiting.empty() && !state_->writing; });
}

uint64_t LineWriter::lost() const { return state_->lost; }

void UnblockStandardError() {
  struct stat about {};
  if (fstat(STDERR_FILENO, &about) != 0) return;
  if (S_ISSOCK(about.st_mode)) {
    // The journal's socket is made for this process alone.
    const int flags = fcntl(STDERR_FILENO, F_GETFL);
    if (flags >= 0) fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
  } else if (S_ISFIFO(about.st_mode)) {
    // Opened a second time, since the flags of the first belong to every process that shares the pipe.
    const int again = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (again < 0) return;
    dup2(again, STDERR_FILENO);
    close(again);
  }
}

}  // namespace fastsamd
