#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace fastsamd {

/// Writes lines to a file descriptor on a thread that nothing waits for. Lines wait in a queue of `capacity` bytes;
/// a line that does not fit, or that the descriptor refuses (a full disk, a closed pipe), is lost and counted.
/// The thread is never joined: a write that hangs neither holds up the caller nor the end of the process.
class LineWriter {
 public:
  /// Takes over `descriptor`.
  LineWriter(int descriptor, size_t capacity);
  /// The thread writes what waits and ends.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// Never blocks on the descriptor. False when the line is lost.
  bool Write(std::string line);
  /// Waits until everything is written, no longer than `limit`. False when something still waits.
  bool Flush(std::chrono::milliseconds limit);
  uint64_t lost() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Makes writes to standard error by anybody (GStreamer, onnxruntime) fail rather than block, where it is a pipe or a
/// socket. The other processes that hold the same pipe notice nothing.
void UnblockStandardError();

}  // namespace fastsamd
