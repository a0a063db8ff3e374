#include "capture/device_frame.h"

#include <cstring>
#include <tuple>
#include <utility>

#include "core/color.h"
#include "core/device_pixels.h"
#include "nvmm/surface.h"

namespace fastsamd {
namespace {

/// The mapping of a buffer is attached to its GstMemory. It stays there while the memory goes from the pool to a frame
/// and back, and ends right before the memory is freed, on the thread that frees it.
GQuark SurfaceQuark() {
  static const GQuark quark = g_quark_from_static_string("fastsamd-nvmm-surface");
  return quark;
}

Result<nvmm::Surface*> SurfaceOf(GstBuffer* buffer) {
  if (buffer == nullptr || gst_buffer_n_memory(buffer) != 1) {
    return Error{ErrorCode::kSourceUnsupported, "expected one piece of device memory in a frame"};
  }
  GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
  GstMiniObject* object = GST_MINI_OBJECT_CAST(memory);
  if (void* known = gst_mini_object_get_qdata(object, SurfaceQuark()); known != nullptr) {
    return static_cast<nvmm::Surface*>(known);
  }
  // What this maps is the description of the pixels, which stays where it is.
  GstMapInfo description;
  if (gst_memory_map(memory, &description, GST_MAP_READ) == FALSE) {
    return Error{ErrorCode::kSourceCorrupt, "a frame's device memory cannot be mapped"};
  }
  Result<std::unique_ptr<nvmm::Surface>> surface = nvmm::Surface::Map(description.data, description.size);
  gst_memory_unmap(memory, &description);
  if (!surface.ok()) return surface.error();
  nvmm::Surface* kept = std::move(surface).value().release();
  gst_mini_object_set_qdata(object, SurfaceQuark(), kept,
                            [](gpointer data) { delete static_cast<nvmm::Surface*>(data); });
  return kept;
}

/// One frame that is out: the sample keeps the buffer, and with it the surface.
class Held : public DevicePixels {
 public:
  Held(GstSample* sample, nvmm::Surface* surface, const ImageView& whole, std::shared_ptr<std::atomic<int>> count)
      : sample_(gst_sample_ref(sample)), surface_(surface), whole_(whole), count_(std::move(count)) {
    ++*count_;
  }
  ~Held() override { --*count_; }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  Result<ImageView> ForGpu(const ImageView& view) override {
    Result<ImageView> whole = surface_->ForGpu();
    if (!whole.ok()) return whole;
    ImageView part = view;
    for (size_t k = 0; k < part.planes.size(); ++k) {
      // Rows are equally far apart in both mappings.
      if (view.planes[k] != nullptr) part.planes[k] = whole.value().planes[k] + (view.planes[k] - whole_.planes[k]);
    }
    return part;
  }

 private:
  GstPtr<GstSample> sample_;
  nvmm::Surface* surface_;
  ImageView whole_;
  std::shared_ptr<std::atomic<int>> count_;
};

MappedFrame Copy(const ImageView& view, size_t bytes, PixelPool& pool) {
  const PlaneLayout layout = LayoutOf(view.format, view.width);
  const PixelPool::Pixels pixels = pool.Take(bytes);
  MappedFrame copy;
  copy.view = view;
  copy.bytes = bytes;
  copy.owner = pixels;
  uint8_t* to = pixels.get();
  for (size_t k = 0; k < static_cast<size_t>(layout.planes); ++k) {
    const auto row_bytes = static_cast<size_t>(layout.row_bytes[k]);
    copy.view.planes[k] = to;
    copy.view.strides[k] = layout.row_bytes[k];
    for (size_t row = 0; row < RowsOf(view, k); ++row, to += row_bytes) {
      std::memcpy(to, view.planes[k] + row * static_cast<size_t>(view.strides[k]), row_bytes);
    }
  }
  return copy;
}

size_t BytesOf(const ImageView& view) {
  const PlaneLayout layout = LayoutOf(view.format, view.width);
  size_t bytes = 0;
  for (size_t k = 0; k < static_cast<size_t>(layout.planes); ++k) {
    bytes += static_cast<size_t>(layout.row_bytes[k]) * RowsOf(view, k);
  }
  return bytes;
}

}  // namespace

bool IsDeviceMemory(const GstCaps* caps) {
  const GstCapsFeatures* features = gst_caps_get_features(caps, 0);
  return features != nullptr && gst_caps_features_contains(features, "memory:NVMM") == TRUE;
}

Result<MappedFrame> DeviceFrames::Map(const GstPtr<GstSample>& sample, const FrameColors& colors, int most,
                                      PixelPool& pool) {
  const Result<nvmm::Surface*> surface = SurfaceOf(gst_sample_get_buffer(sample.get()));
  if (!surface.ok()) return surface.error();
  Result<ImageView> mapped = surface.value()->ForCpu();
  if (!mapped.ok()) return mapped.error();
  ImageView view = mapped.value();
  std::tie(view.matrix, view.range) =
      surface.value()->colors().value_or(std::pair<ColorMatrix, ColorRange>{colors.matrix, colors.range});
  const size_t bytes = BytesOf(view);
  if (*held_ >= most) return Copy(view, bytes, pool);
  const auto held = std::make_shared<Held>(sample.get(), surface.value(), view, held_);
  return MappedFrame{view, bytes, held, held};
}

}  // namespace fastsamd
