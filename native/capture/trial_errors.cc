#include "capture/trial_errors.h"

#include <cstring>
#include <utility>

namespace fastsamd {
namespace {

/// The first errors explain the later ones.
constexpr size_t kMostNoted = 8;

bool IsDecodeBin(GstElement* element) {
  GstElementFactory* factory = gst_element_get_factory(element);
  return factory != nullptr && std::strcmp(GST_OBJECT_NAME(factory), "decodebin") == 0;
}

enum class Trial { kUnderWay, kPassed, kFailed };

Trial TrialOf(GstObject* element, GstElement* pipeline) {
  if (gst_object_has_as_ancestor(element, GST_OBJECT(pipeline)) == FALSE) return Trial::kFailed;
  GstState state = GST_STATE_NULL;
  gst_element_get_state(GST_ELEMENT(element), &state, nullptr, 0);
  return state >= GST_STATE_PAUSED ? Trial::kPassed : Trial::kUnderWay;
}

}  // namespace

struct TrialErrors::Listener {
  std::shared_ptr<TrialErrors> errors;
  std::function<void()> noted;
  /// Not owned: the bus that the listener hangs on is the bin's.
  GstBin* bin;
};

void TrialErrors::Watch(const std::shared_ptr<TrialErrors>& errors, GstBin* pipeline, std::function<void()> noted) {
  ForEachElement(pipeline, [errors, noted = std::move(noted)](GstElement* element) {
    if (!IsDecodeBin(element)) return;
    GstBin* bin = GST_BIN(element);
    gst_bus_set_sync_handler(bin->child_bus, &TrialErrors::OnMessage, new Listener{errors, noted, bin},
                             [](gpointer listener) { delete static_cast<Listener*>(listener); });
  });
}

/// In the place of the handler that GstBin sets for its children, which does the same but for the note.
GstBusSyncReply TrialErrors::OnMessage(GstBus*, GstMessage* message, gpointer data) {
  const Listener& listener = *static_cast<const Listener*>(data);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && GST_IS_ELEMENT(GST_MESSAGE_SRC(message))) {
    listener.errors->Note(message);
    listener.noted();
  }
  GST_BIN_GET_CLASS(listener.bin)->handle_message(listener.bin, message);
  return GST_BUS_DROP;
}

void TrialErrors::Note(GstMessage* error) {
  const std::lock_guard lock(mutex_);
  if (noted_.size() < kMostNoted) noted_.emplace_back(gst_message_ref(error));
}

void TrialErrors::PostAgain(GstElement* pipeline) {
  std::vector<GstPtr<GstMessage>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(noted_);
  }
  for (GstPtr<GstMessage>& error : waiting) {
    GstObject* source = GST_MESSAGE_SRC(error.get());
    switch (TrialOf(source, pipeline)) {
      case Trial::kUnderWay:
        Note(error.get());
        break;
      case Trial::kPassed:
        gst_element_post_message(GST_ELEMENT(source), gst_message_ref(error.get()));
        break;
      case Trial::kFailed:
        break;
    }
  }
}

void TrialErrors::Clear() {
  std::vector<GstPtr<GstMessage>> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(noted_);
}

}  // namespace fastsamd
