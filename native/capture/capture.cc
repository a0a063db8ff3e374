#include "capture/capture.h"

#include <gst/app/gstappsink.h>

#include <atomic>
#include <mutex>
#include <utility>

#include "capture/decoders.h"
#include "capture/guard.h"
#include "capture/hardware_decoders.h"
#include "capture/mailbox.h"

namespace fastsamd {

/// What the streaming thread shares with the reader; outlives both.
struct Capture::Feed {
  Feed(bool is_live, DecoderChoice decoder_choice)
      : live(is_live),
        choice(decoder_choice),
        mailbox(is_live ? WhenFull::kOverwrite : WhenFull::kWait),
        guard(std::make_shared<Guard>(is_live)),
        decoders(std::make_shared<HardwareDecoders>()) {}

  const bool live;
  const DecoderChoice choice;
  Mailbox<Arrival> mailbox;
  std::atomic<uint64_t> received{0};
  std::atomic<uint64_t> corrupt{0};
  std::atomic<bool> delivered{false};
  const std::shared_ptr<Guard> guard;
  const std::shared_ptr<HardwareDecoders> decoders;
  std::mutex mutex;
  std::optional<Error> error;

  void Fail(const Error& failure) {
    {
      const std::lock_guard lock(mutex);
      error = failure;
    }
    mailbox.End();
  }

  Result<std::optional<CapturedFrame>> AtEnd() {
    if (mailbox.closed()) return std::optional<CapturedFrame>();
    const std::lock_guard lock(mutex);
    if (error) return *error;
    if (!delivered) return Error{ErrorCode::kSourceCorrupt, "expected a video, the stream ended without a frame"};
    return std::optional<CapturedFrame>();
  }

  static GstFlowReturn OnSample(GstAppSink* sink, gpointer data) {
    Feed& feed = **static_cast<std::shared_ptr<Feed>*>(data);
    GstPtr<GstSample> sample(gst_app_sink_pull_sample(sink));
    if (sample == nullptr) return GST_FLOW_EOS;
    ++feed.received;
    feed.guard->Frame();
    if (IsCorrupt(sample.get())) {
      ++feed.corrupt;
      return GST_FLOW_OK;
    }
    Arrival arrival = TimeSample(std::move(sample), GST_ELEMENT(sink), feed.live);
    return feed.mailbox.Put(std::move(arrival)) ? GST_FLOW_OK : GST_FLOW_EOS;
  }

  static void OnEnd(GstAppSink*, gpointer data) { (*static_cast<std::shared_ptr<Feed>*>(data))->mailbox.End(); }

  static Status Connect(GstBin* bin, const std::shared_ptr<Feed>& feed) {
    const GstPtr<GstElement> sink(gst_bin_get_by_name(bin, "sink"));
    if (sink == nullptr || !GST_IS_APP_SINK(sink.get())) {
      return Error{ErrorCode::kMisuse, "expected an \"appsink name=sink\" in the capture pipeline"};
    }
    Guard::Watch(feed->guard, bin);
    ForEachElement(bin, &TuneDecoder);
    HardwareDecoders::Watch(feed->decoders, bin, feed->choice);
    GstAppSink* app_sink = GST_APP_SINK(sink.get());
    const GstPtr<GstCaps> chosen(gst_app_sink_get_caps(app_sink));
    if (chosen == nullptr) {
      const GstPtr<GstCaps> caps(gst_caps_from_string("video/x-raw;video/x-raw(memory:NVMM)"));
      gst_app_sink_set_caps(app_sink, caps.get());
    }
    gst_app_sink_set_emit_signals(app_sink, FALSE);
    gst_app_sink_set_drop(app_sink, FALSE);
    gst_app_sink_set_max_buffers(app_sink, 1);
    // A reference to the last sample would keep a camera's buffer from being filled again.
    g_object_set(sink.get(), "enable-last-sample", FALSE, nullptr);
    GstAppSinkCallbacks callbacks = {};
    callbacks.eos = &Feed::OnEnd;
    callbacks.new_sample = &Feed::OnSample;
    gst_app_sink_set_callbacks(app_sink, &callbacks, new std::shared_ptr<Feed>(feed),
                               [](gpointer data) { delete static_cast<std::shared_ptr<Feed>*>(data); });
    return Ok();
  }
};

namespace {

/// Begins a file at `start`; one that cannot be sought plays from its beginning.
std::function<void(GstElement*)> SeekTo(std::chrono::milliseconds start) {
  if (start.count() <= 0) return nullptr;
  return [start](GstElement* pipeline) {
    gst_element_seek_simple(pipeline, GST_FORMAT_TIME,
                            static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
                            start.count() * static_cast<gint64>(GST_MSECOND));
  };
}

}  // namespace

Capture::Capture(CaptureOptions options)
    : options_(std::move(options)),
      feed_(std::make_shared<Feed>(options_.live, options_.decoder)),
      pipeline_(options_.pipeline,
                {[feed = feed_](GstBin* bin) { return Feed::Connect(bin, feed); }, SeekTo(options_.start_at),
                 [feed = feed_](const Error& error) { feed->Fail(error); },
                 [feed = feed_] {
                   ++feed->received;
                   ++feed->corrupt;
                 },
                 [feed = feed_](GstElement* source) { feed->guard->Connecting(source); },
                 [feed = feed_] { feed->guard->CheckConnections(); }}) {}

// A streaming thread that waits for the slot holds locks that the pipeline needs to stop, hence first the mailbox.
Capture::~Capture() { feed_->mailbox.Close(); }

Status Capture::Start() {
  const Status started = pipeline_.Start(Pipeline::Milestone::kPlaying, options_.start_timeout);
  if (started.ok() || started.error().code != ErrorCode::kSourceTimeout) return started;
  return NotInTime(started.error().message);
}

/// A decoder that hangs is another matter than a camera that is silent.
Error Capture::NotInTime(const std::string& what) const {
  const std::string why = feed_->decoders->Hanging();
  if (why.empty()) return {ErrorCode::kSourceTimeout, what};
  return {ErrorCode::kSourceLost, what + "; " + why};
}

Result<std::optional<CapturedFrame>> Capture::Read(std::chrono::milliseconds timeout) {
  const Deadline deadline = std::chrono::steady_clock::now() + timeout;
  std::optional<Arrival> arrival;
  for (;;) {
    switch (feed_->mailbox.Take(arrival, deadline)) {
      case Mailbox<Arrival>::Outcome::kEnd:
        return feed_->AtEnd();
      case Mailbox<Arrival>::Outcome::kTimeout:
        return NotInTime("no frame within " + std::to_string(timeout.count()) + " ms");
      case Mailbox<Arrival>::Outcome::kItem:
        break;
    }
    Result<MappedFrame> mapped = MapSample(arrival->sample, feed_->decoders->colorimetry(), pixels_, device_frames_,
                                           feed_->decoders->most_on_device());
    if (mapped.ok()) {
      feed_->delivered = true;
      return std::optional<CapturedFrame>({std::move(mapped).value(), arrival->monotonic_ns, arrival->pts_ns});
    }
    if (mapped.error().code == ErrorCode::kSourceUnsupported) return mapped.error();
    ++feed_->corrupt;
  }
}

bool Capture::Stop(std::chrono::milliseconds timeout) {
  feed_->mailbox.Close();
  return pipeline_.Stop(timeout);
}

void Capture::Interrupt() {
  feed_->mailbox.Close();
  pipeline_.Interrupt();
}

CaptureStats Capture::stats() const {
  const uint64_t damaged = feed_->guard->damaged();
  return {feed_->received + damaged, feed_->mailbox.overwritten(), feed_->corrupt + damaged, feed_->mailbox.discarded(),
          pipeline_.released()};
}

}  // namespace fastsamd
