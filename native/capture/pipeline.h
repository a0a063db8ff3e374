#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "capture/gstreamer.h"
#include "core/result.h"

namespace fastsamd {

/// Longest accepted text of a pipeline.
inline constexpr size_t kMaxPipelineBytes = 64 * 1024;

/// What a pipeline's owner adds to the text of it. Called on GStreamer's threads or the pipeline's own, possibly
/// after the Pipeline is gone: capture shared state, never the owner.
struct PipelineHooks {
  /// Sets up the named elements before anything starts.
  std::function<Status(GstBin*)> configure;
  /// When set, called between the first frame being ready and playing, on the pipeline's thread. It may block.
  std::function<void(GstElement*)> prerolled;
  /// The first error; called once at most.
  std::function<void(const Error&)> failed;
  /// A decoder went on after a broken frame.
  std::function<void()> damaged;
  /// An RTSP source is about to open a connection, on the thread that calls this.
  std::function<void(GstElement*)> connecting;
  /// Called ten times a second after the first `connecting`, on the pipeline's thread.
  std::function<void()> check_connections;
};

/// A GStreamer pipeline whose state changes run on a thread of its own, because each of them may hang in a driver or
/// on a network. Calls block the caller no longer than their timeout. When a pipeline does not stop in time its
/// thread is abandoned with everything it refers to; nothing else waits for it.
class Pipeline {
 public:
  enum class Milestone { kLaunched, kPlaying };

  Pipeline(std::string description, PipelineHooks hooks);
  /// Stops without waiting.
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Builds and starts the pipeline, once. Errors: the pipeline's own, kSourceTimeout, kMisuse when interrupted.
  Status Start(Milestone milestone, std::chrono::milliseconds timeout);
  /// Waits for the end of the stream at every sink. Errors: as Start.
  Status WaitForEnd(std::chrono::milliseconds timeout);
  /// True once the pipeline has released everything; true as well when it was never started.
  bool Stop(std::chrono::milliseconds timeout);
  /// Whether the pipeline has released everything, or was never started.
  bool released() const;
  /// Makes a Start or WaitForEnd in progress return; from any thread.
  void Interrupt();

 private:
  struct State;
  static void Run(const std::shared_ptr<State>& state, const std::string& description);
  static bool WaitForPreroll(State& state, GstElement* pipeline);
  static GstBusSyncReply OnMessage(GstBus* bus, GstMessage* message, gpointer data);

  const std::string description_;
  const std::shared_ptr<State> state_;
};

}  // namespace fastsamd
