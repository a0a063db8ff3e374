#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "capture/gstreamer.h"

namespace fastsamd {

/// Errors that decodebin keeps to itself. It tries one element after the other, and holds back what an element posts
/// until its trial is over, because another may take its place (gstdecodebin2.c, connect_pad). The streaming thread of
/// an element that passes its trial may find an error in that time: a file without a picture, say. That message is lost
/// with the others, the element says nothing more, and the pipeline would wait for ever. Such errors are noted here and
/// posted again when the trial is over.
class TrialErrors {
 public:
  /// Notes the errors of everything inside each decodebin of `pipeline`, also of those that are added later, and calls
  /// `noted` on the thread that posts. `errors` is kept by them.
  static void Watch(const std::shared_ptr<TrialErrors>& errors, GstBin* pipeline, std::function<void()> noted);
  /// Posts the noted errors of elements that have passed their trial, and drops those of elements that `pipeline` has
  /// removed; an element that is still tried is left for the next call.
  void PostAgain(GstElement* pipeline);
  /// Drops what is noted: messages keep their elements alive.
  void Clear();

 private:
  struct Listener;
  static GstBusSyncReply OnMessage(GstBus* bus, GstMessage* message, gpointer data);
  void Note(GstMessage* error);

  std::mutex mutex_;
  std::vector<GstPtr<GstMessage>> noted_;
};

}  // namespace fastsamd
