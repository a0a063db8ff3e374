#include "capture/pipeline.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "capture/trial_errors.h"

namespace fastsamd {
namespace {

/// How often a pipeline checks its connections, and whether decodebin holds an error back: no message tells of these.
constexpr std::chrono::milliseconds kCheckInterval{100};

}  // namespace

/// Shared by the owner, the pipeline's thread and GStreamer's threads; lives as long as the last of them.
struct Pipeline::State {
  explicit State(PipelineHooks callbacks) : hooks(std::move(callbacks)) {}

  const PipelineHooks hooks;
  std::mutex mutex;
  std::condition_variable changed;
  bool spawned = false;
  bool launched = false;
  bool playing = false;
  bool ended = false;
  bool interrupted = false;
  bool stop_requested = false;
  bool has_connections = false;
  bool has_trial_errors = false;
  bool finished = false;
  std::string missing_plugin;
  std::optional<Error> error;
  const std::shared_ptr<TrialErrors> trial_errors = std::make_shared<TrialErrors>();

  void Set(bool State::*flag) {
    const std::lock_guard lock(mutex);
    this->*flag = true;
    changed.notify_all();
  }

  /// Keeps the first error: the later ones are its consequences.
  void Fail(Error first) {
    {
      const std::lock_guard lock(mutex);
      if (error) return;
      error = first;
      changed.notify_all();
    }
    hooks.failed(first);
  }

  Status WaitFor(bool State::*flag, std::chrono::milliseconds timeout, const char* what) {
    std::unique_lock lock(mutex);
    const bool settled = changed.wait_for(lock, timeout, [&] { return this->*flag || error || interrupted; });
    if (error) return *error;
    if (!settled) {
      return Error{ErrorCode::kSourceTimeout, std::string(what) + " within " + std::to_string(timeout.count()) + " ms"};
    }
    if (interrupted) return Error{ErrorCode::kMisuse, "the pipeline was stopped while somebody waited for it"};
    return Ok();
  }
};

Pipeline::Pipeline(std::string description, PipelineHooks hooks)
    : description_(std::move(description)), state_(std::make_shared<State>(std::move(hooks))) {}

Pipeline::~Pipeline() {
  Interrupt();
  Stop(std::chrono::milliseconds(0));
}

Status Pipeline::Start(Milestone milestone, std::chrono::milliseconds timeout) {
  {
    const std::lock_guard lock(state_->mutex);
    try {
      std::thread([state = state_, description = description_] { Run(state, description); }).detach();
    } catch (const std::system_error& failure) {
      return Error{ErrorCode::kInternal, std::string("no thread for the pipeline: ") + failure.what()};
    }
    state_->spawned = true;
  }
  const auto flag = milestone == Milestone::kPlaying ? &State::playing : &State::launched;
  return state_->WaitFor(flag, timeout, "the source did not start");
}

Status Pipeline::WaitForEnd(std::chrono::milliseconds timeout) {
  return state_->WaitFor(&State::ended, timeout, "the stream did not end");
}

bool Pipeline::Stop(std::chrono::milliseconds timeout) {
  std::unique_lock lock(state_->mutex);
  state_->stop_requested = true;
  state_->changed.notify_all();
  if (!state_->spawned) return true;
  return state_->changed.wait_for(lock, timeout, [this] { return state_->finished; });
}

bool Pipeline::released() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->spawned || state_->finished;
}

void Pipeline::Interrupt() { state_->Set(&State::interrupted); }

void Pipeline::Run(const std::shared_ptr<State>& state, const std::string& description) {
  const auto launch = [&]() -> Result<GstPtr<GstElement>> {
    if (Status ready = InitGStreamer(); !ready.ok()) return ready.error();
    Result<GstPtr<GstElement>> parsed = ParsePipeline(description);
    if (!parsed.ok()) return parsed;
    if (Status set_up = state->hooks.configure(GST_BIN(parsed.value().get())); !set_up.ok()) return set_up.error();
    return parsed;
  };
  Result<GstPtr<GstElement>> launched = launch();
  if (!launched.ok()) {
    state->Fail(launched.error());
    state->Set(&State::finished);
    return;
  }
  GstElement* pipeline = launched.value().get();
  const GstPtr<GstBus> bus(gst_element_get_bus(pipeline));
  // Messages are handled where they are posted and never queued: the bus cannot grow.
  gst_bus_set_sync_handler(bus.get(), &Pipeline::OnMessage, new std::shared_ptr<State>(state),
                           [](gpointer data) { delete static_cast<std::shared_ptr<State>*>(data); });
  TrialErrors::Watch(state->trial_errors, GST_BIN(pipeline), [weak = std::weak_ptr<State>(state)] {
    if (const auto alive = weak.lock()) alive->Set(&State::has_trial_errors);
  });
  if (state->hooks.prerolled) {
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    if (WaitForPreroll(*state, pipeline)) state->hooks.prerolled(pipeline);
  }
  if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    state->Fail({ErrorCode::kSourceLost, "the pipeline does not start, and no element says why"});
  }
  state->Set(&State::launched);
  {
    std::unique_lock lock(state->mutex);
    const auto has_to_check = [&] { return state->has_connections || (state->has_trial_errors && !state->error); };
    state->changed.wait(lock, [&] { return state->stop_requested || has_to_check(); });
    while (!state->changed.wait_for(lock, kCheckInterval, [&] { return state->stop_requested; })) {
      const bool has_connections = state->has_connections;
      const bool has_trial_errors = state->has_trial_errors && !state->error;
      lock.unlock();
      if (has_connections) state->hooks.check_connections();
      if (has_trial_errors) state->trial_errors->PostAgain(pipeline);
      lock.lock();
    }
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  state->trial_errors->Clear();
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  std::move(launched).value().reset();
  state->Set(&State::finished);
}

/// Whether the first frame is ready. Ends with the start, which has a limit, or with an error.
bool Pipeline::WaitForPreroll(State& state, GstElement* pipeline) {
  for (;;) {
    const GstStateChangeReturn reached =
        gst_element_get_state(pipeline, nullptr, nullptr, kCheckInterval.count() * GST_MSECOND);
    if (reached != GST_STATE_CHANGE_ASYNC) return reached == GST_STATE_CHANGE_SUCCESS;
    state.trial_errors->PostAgain(pipeline);
    const std::lock_guard lock(state.mutex);
    if (state.error || state.interrupted || state.stop_requested) return false;
  }
}

GstBusSyncReply Pipeline::OnMessage(GstBus*, GstMessage* message, gpointer data) {
  State& state = **static_cast<std::shared_ptr<State>*>(data);
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR: {
      std::string missing;
      {
        const std::lock_guard lock(state.mutex);
        missing = state.missing_plugin;
      }
      state.Fail(TranslateError(message, missing));
      break;
    }
    case GST_MESSAGE_WARNING: {
      GError* warning = nullptr;
      gst_message_parse_warning(message, &warning, nullptr);
      const GstPtr<GError> owned(warning);
      if (warning->domain == GST_STREAM_ERROR && state.hooks.damaged) state.hooks.damaged();
      if (g_error_matches(warning, GST_PARSE_ERROR, GST_PARSE_ERROR_DELAYED_LINK)) {
        state.Fail({ErrorCode::kSourceCorrupt, "expected a video, found no video stream in it"});
      }
      break;
    }
    case GST_MESSAGE_ELEMENT:
      if (std::string missing = MissingPlugin(message); !missing.empty()) {
        const std::lock_guard lock(state.mutex);
        state.missing_plugin = std::move(missing);
      }
      break;
    case GST_MESSAGE_PROGRESS:
      // rtspsrc posts it on the thread that connects, right before it does.
      if (state.hooks.connecting && GST_IS_ELEMENT(GST_MESSAGE_SRC(message))) {
        state.hooks.connecting(GST_ELEMENT(GST_MESSAGE_SRC(message)));
        state.Set(&State::has_connections);
      }
      break;
    case GST_MESSAGE_EOS:
      state.Set(&State::ended);
      break;
    case GST_MESSAGE_STATE_CHANGED: {
      GstState reached = GST_STATE_NULL;
      gst_message_parse_state_changed(message, nullptr, &reached, nullptr);
      if (reached == GST_STATE_PLAYING && GST_IS_PIPELINE(GST_MESSAGE_SRC(message))) state.Set(&State::playing);
      break;
    }
    default:
      break;
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

}  // namespace fastsamd
