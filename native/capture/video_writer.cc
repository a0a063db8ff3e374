#include "capture/video_writer.h"

#include <gst/app/gstappsrc.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace fastsamd {
namespace {

constexpr std::chrono::seconds kStartTimeout{10};
/// Longest that an encoder may take to accept a frame.
constexpr std::chrono::seconds kWriteTimeout{30};
/// What stopping gets when the end of the stream has used up the time.
constexpr std::chrono::milliseconds kLeastStop{1000};
using Deadline = std::chrono::steady_clock::time_point;

/// The end of the stream goes past an element "name=encoder" instead of through it, for encoders that hold nothing
/// back: openh264enc asks its library for more frames at the end, and the library prints an error on standard error.
void EndBehindEncoder(GstBin* bin) {
  const GstPtr<GstElement> encoder(gst_bin_get_by_name(bin, "encoder"));
  if (encoder == nullptr) return;
  const GstPtr<GstPad> in(gst_element_get_static_pad(encoder.get(), "sink"));
  const auto forward = [](GstPad* pad, GstPadProbeInfo* info, gpointer) -> GstPadProbeReturn {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_EOS) return GST_PAD_PROBE_OK;
    const GstPtr<GstElement> element(gst_pad_get_parent_element(pad));
    const GstPtr<GstPad> out(element == nullptr ? nullptr : gst_element_get_static_pad(element.get(), "src"));
    if (out == nullptr) return GST_PAD_PROBE_OK;
    gst_pad_push_event(out.get(), gst_event_ref(event));
    return GST_PAD_PROBE_DROP;
  };
  gst_pad_add_probe(in.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, forward, nullptr, nullptr);
}

}  // namespace

/// What the pipeline's threads share with the writer; outlives both.
struct VideoWriter::Feed {
  std::mutex mutex;
  std::condition_variable changed;
  GstPtr<GstElement> source;
  bool room = true;
  bool interrupted = false;
  std::optional<Error> error;

  void SetRoom(bool value) {
    const std::lock_guard lock(mutex);
    room = value;
    changed.notify_all();
  }

  void Fail(const Error& failure) {
    const std::lock_guard lock(mutex);
    error = failure;
    changed.notify_all();
  }

  Status Connect(GstBin* bin, const VideoWriterOptions& options, size_t frame_bytes,
                 const std::shared_ptr<Feed>& self) {
    GstPtr<GstElement> element(gst_bin_get_by_name(bin, "src"));
    if (element == nullptr || !GST_IS_APP_SRC(element.get())) {
      return Error{ErrorCode::kMisuse, "expected an \"appsrc name=src\" in the writer's pipeline"};
    }
    gint numerator = 0;
    gint denominator = 1;
    gst_util_double_to_fraction(options.fps, &numerator, &denominator);
    const GstPtr<GstCaps> caps(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "RGB", "width", G_TYPE_INT,
                                                   options.width, "height", G_TYPE_INT, options.height, "framerate",
                                                   GST_TYPE_FRACTION, numerator, denominator, nullptr));
    GstAppSrc* app_source = GST_APP_SRC(element.get());
    gst_app_src_set_caps(app_source, caps.get());
    gst_app_src_set_max_bytes(app_source, 2 * frame_bytes);
    gst_app_src_set_emit_signals(app_source, FALSE);
    g_object_set(element.get(), "format", GST_FORMAT_TIME, "block", FALSE, nullptr);
    GstAppSrcCallbacks callbacks = {};
    callbacks.need_data = [](GstAppSrc*, guint, gpointer data) {
      (*static_cast<std::shared_ptr<Feed>*>(data))->SetRoom(true);
    };
    callbacks.enough_data = [](GstAppSrc*, gpointer data) {
      (*static_cast<std::shared_ptr<Feed>*>(data))->SetRoom(false);
    };
    gst_app_src_set_callbacks(app_source, &callbacks, new std::shared_ptr<Feed>(self),
                              [](gpointer data) { delete static_cast<std::shared_ptr<Feed>*>(data); });
    EndBehindEncoder(bin);
    const std::lock_guard lock(mutex);
    // Element and feed refer to each other until the writer lets go of the element, so not after it has.
    if (!interrupted) source = std::move(element);
    return Ok();
  }
};

namespace {

/// A writer has one thing to say, whatever the element that failed; that an element is missing is for the caller, who
/// may have another encoder to try.
Status AsOutputError(Status status) {
  if (status.ok()) return status;
  const ErrorCode code = status.error().code;
  if (code == ErrorCode::kMisuse || code == ErrorCode::kSourceUnsupported) return status;
  return Error{ErrorCode::kOutputUnwritable, status.error().message};
}

}  // namespace

VideoWriter::VideoWriter(VideoWriterOptions options)
    : options_(std::move(options)),
      feed_(std::make_shared<Feed>()),
      pipeline_(options_.pipeline,
                {[feed = feed_, options = options_, bytes = FrameBytes()](GstBin* bin) {
                   return feed->Connect(bin, options, bytes, feed);
                 },
                 nullptr, [feed = feed_](const Error& error) { feed->Fail(error); }, nullptr, nullptr, nullptr}) {}

VideoWriter::~VideoWriter() {
  const std::lock_guard lock(feed_->mutex);
  feed_->interrupted = true;
  feed_->source.reset();
}

Status VideoWriter::Start() { return AsOutputError(pipeline_.Start(Pipeline::Milestone::kLaunched, kStartTimeout)); }

Status VideoWriter::Write(const uint8_t* rgb, int64_t pts_ns) {
  GstElement* source = nullptr;
  {
    std::unique_lock lock(feed_->mutex);
    const bool settled = feed_->changed.wait_for(lock, kWriteTimeout,
                                                 [this] { return feed_->room || feed_->error || feed_->interrupted; });
    if (feed_->error) return AsOutputError(*feed_->error);
    if (feed_->interrupted) return Error{ErrorCode::kMisuse, "the writer was closed while it was writing"};
    if (!settled) {
      return Error{ErrorCode::kOutputUnwritable,
                   "the encoder took no frame for " + std::to_string(kWriteTimeout.count()) + " s"};
    }
    source = feed_->source.get();
  }
  auto* pixels = static_cast<uint8_t*>(g_try_malloc(FrameBytes()));
  if (pixels == nullptr) return Error{ErrorCode::kOutOfMemory, "no memory for a frame to encode"};
  const size_t row = size_t{3} * static_cast<size_t>(options_.width);
  for (size_t y = 0; y < static_cast<size_t>(options_.height); ++y) {
    std::copy_n(rgb + y * row, row, pixels + y * RowBytes());
  }
  GstBuffer* buffer = gst_buffer_new_wrapped(pixels, FrameBytes());
  const auto frame_ns = static_cast<int64_t>(GST_SECOND / options_.fps);
  if (last_pts_ns_ >= 0 && pts_ns <= last_pts_ns_) pts_ns = last_pts_ns_ + frame_ns;
  last_pts_ns_ = std::max<int64_t>(pts_ns, 0);
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(last_pts_ns_);
  // How long the last one is shown; a muxer takes the time of all others from the one that follows.
  GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(frame_ns);
  const GstFlowReturn flow = gst_app_src_push_buffer(GST_APP_SRC(source), buffer);
  if (flow == GST_FLOW_OK) return Ok();
  return Error{ErrorCode::kOutputUnwritable,
               std::string("the pipeline takes no more frames: ") + gst_flow_get_name(flow)};
}

Status VideoWriter::Finish(std::chrono::milliseconds timeout) {
  GstPtr<GstElement> source;
  {
    const std::lock_guard lock(feed_->mutex);
    source = std::move(feed_->source);
  }
  if (source != nullptr) gst_app_src_end_of_stream(GST_APP_SRC(source.get()));
  source.reset();
  const Deadline deadline = std::chrono::steady_clock::now() + timeout;
  const Status ended = pipeline_.WaitForEnd(timeout);
  const bool stopped = pipeline_.Stop(std::max(
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()), kLeastStop));
  if (!ended.ok()) return AsOutputError(ended);
  if (!stopped) return Error{ErrorCode::kOutputUnwritable, "the encoder hangs; it was abandoned"};
  return Ok();
}

void VideoWriter::Interrupt() {
  {
    const std::lock_guard lock(feed_->mutex);
    feed_->interrupted = true;
    feed_->changed.notify_all();
  }
  pipeline_.Interrupt();
}

}  // namespace fastsamd
