// Where frames and results should lie: mapped pinned memory, which the GPU reads over the bus, against a copy to device
// memory and back. On a GPU that shares its memory with the CPU (Jetson) the mapped ones should win, on a card the
// copies. Also how long the two ways of waiting for the GPU take.
#include <cuda_runtime.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/color.h"
#include "cuda/kernels.h"
#include "device.h"
#include "image_oracle.h"
#include "report.h"
#include "scene.h"

namespace fastsamd::gpu {
namespace {

using cuda::ElementType;
using test::RandomImage;
using test::Scene;

std::string MsAndGb(double ms, double bytes) { return Text("%.4f ms (%.1f GB/s)", ms, bytes / ms / 1e6); }

void TimeCopies() {
  constexpr size_t kBytes = size_t{32} << 20;
  const DeviceArray<uint8_t> device(kBytes);
  const DeviceArray<uint8_t> other(kBytes);
  const MappedArray<uint8_t> host(kBytes);
  const auto time = [&](void* to, const void* from, cudaMemcpyKind kind) {
    return kBytes / 1e6 /
           MedianMs([&](cudaStream_t stream) { Demand(cudaMemcpyAsync(to, from, kBytes, kind, stream), "copy"); }, 20);
  };
  Note("copies of 32 MiB, pinned", Text("to the GPU %.1f GB/s, back %.1f GB/s, within %.0f GB/s",
                                        time(device.get(), host.host(), cudaMemcpyHostToDevice),
                                        time(host.host(), device.get(), cudaMemcpyDeviceToHost),
                                        time(other.get(), device.get(), cudaMemcpyDeviceToDevice)));
}

/// The letterbox of a frame that lies in mapped memory, and of one that is copied first; both must give the same.
void CheckFrame(PixelFormat format, const char* name, int width, int height) {
  const RandomImage image(format, width, height, 0, 1);
  const Geometry g = MakeGeometry(width, height, 640, 640).value();
  const PlaneLayout layout = LayoutOf(format, width);
  std::vector<uint8_t> bytes;
  size_t starts[3] = {};
  for (int p = 0; p < layout.planes; ++p) {
    const size_t plane = static_cast<size_t>(p);
    starts[p] = bytes.size();
    const int rows = p == 0 ? height : (height + 1) / 2;
    bytes.insert(bytes.end(), image.view.planes[plane],
                 image.view.planes[plane] + static_cast<size_t>(layout.row_bytes[plane]) * static_cast<size_t>(rows));
    bytes.resize((bytes.size() + 255) / 256 * 256);
  }
  const MappedArray<uint8_t> mapped(bytes.size());
  std::copy(bytes.begin(), bytes.end(), mapped.host());
  const DeviceArray<uint8_t> copied(bytes.size());
  const DeviceArray<Tap> columns(MakeTaps(g.frame_width, g.content_width));
  const DeviceArray<Tap> rows(MakeTaps(g.frame_height, g.content_height));
  cuda::LetterboxInput input{};
  input.yuv = MakeYuvMatrix(image.view.matrix, image.view.range);
  input.columns = columns.get();
  input.rows = rows.get();
  input.input_width = g.input_width;
  input.input_height = g.input_height;
  input.content_width = g.content_width;
  input.content_height = g.content_height;
  input.left = g.left;
  input.top = g.top;
  for (int p = 0; p < layout.planes; ++p) input.strides[p] = layout.row_bytes[static_cast<size_t>(p)];
  const auto letterbox = [&](const uint8_t* frame, uint8_t* output, cudaStream_t stream) {
    for (int p = 0; p < layout.planes; ++p) input.planes[p] = frame + starts[p];
    Demand(cuda::LaunchLetterbox(format, input, ElementType::kHalf, output, stream), "letterbox");
  };
  const DeviceArray<uint8_t> from_mapped(size_t{3} * 640 * 640 * 2);
  const DeviceArray<uint8_t> from_copied(size_t{3} * 640 * 640 * 2);
  const double mapped_ms =
      MedianMs([&](cudaStream_t stream) { letterbox(mapped.device(), from_mapped.get(), stream); });
  const double copied_ms = MedianMs([&](cudaStream_t stream) {
    Demand(cudaMemcpyAsync(copied.get(), mapped.host(), bytes.size(), cudaMemcpyHostToDevice, stream), "copy");
    letterbox(copied.get(), from_copied.get(), stream);
  });
  const double size = static_cast<double>(bytes.size());
  Expect(from_mapped.Read() == from_copied.Read(), Text("frame %s %dx%d: mapped equals copied", name, width, height),
         "mapped " + MsAndGb(mapped_ms, size) + ", copied " + MsAndGb(copied_ms, size));
}

/// 300 selected anchors and the logits of their masks, written to mapped memory or copied back.
void TimeResults() {
  const Geometry g = MakeGeometry(1920, 1080, 640, 640).value();
  const Scene scene = test::NoiseScene(g, 1, 300, 3);
  const DeviceArray<float> detections(scene.detections);
  const DeviceArray<uint32_t> count(1);
  const size_t anchors = static_cast<size_t>(scene.anchors);
  const MappedArray<uint32_t> host_count(1);
  const MappedArray<cuda::SelectedAnchor> mapped(anchors);
  const DeviceArray<cuda::SelectedAnchor> device(anchors);
  const auto select = [&](cuda::SelectedAnchor* to, cudaStream_t stream) {
    Demand(cuda::LaunchSelect(ElementType::kFloat, detections.get(), scene.anchors, 1, 0.1F, {count.get(), to}, stream),
           "select");
    Demand(cudaMemcpyAsync(host_count.host(), count.get(), sizeof(uint32_t), cudaMemcpyDeviceToHost, stream), "copy");
  };
  const double mapped_ms = MedianMs([&](cudaStream_t stream) { select(mapped.device(), stream); });
  // The count is not known yet: as many as a frame can be expected to have are copied with it.
  const double copied_ms = MedianMs([&](cudaStream_t stream) {
    select(device.get(), stream);
    Demand(cudaMemcpyAsync(mapped.host(), device.get(), 1024 * sizeof(cuda::SelectedAnchor), cudaMemcpyDeviceToHost,
                           stream),
           "copy");
  });
  Note("300 selected anchors to the CPU", Text("mapped %.4f ms, 1024 copied %.4f ms", mapped_ms, copied_ms));

  constexpr int kObjects = 100;
  constexpr int kCells = 40 * 40;
  std::vector<cuda::LogitRequest> list;
  for (int i = 0; i < kObjects; ++i) {
    list.push_back({i, i, 40, 40, static_cast<uint32_t>(i * kCells), {}});
    for (float& c : list.back().coefficients) c = 0.5F;
  }
  const DeviceArray<float> proto(scene.proto);
  const MappedArray<cuda::LogitRequest> mapped_requests(kObjects);
  std::copy(list.begin(), list.end(), mapped_requests.host());
  const DeviceArray<cuda::LogitRequest> requests(kObjects);
  const size_t logits = size_t{kObjects} * kCells;
  const MappedArray<float> mapped_logits(logits);
  const DeviceArray<float> device_logits(logits);
  const auto launch = [&](const cuda::LogitRequest* from, float* to, cudaStream_t stream) {
    Demand(cuda::LaunchMaskLogits(ElementType::kFloat, proto.get(), 160, 160, from, kObjects, kCells, to, stream),
           "mask logits");
  };
  const double mapped_logits_ms =
      MedianMs([&](cudaStream_t stream) { launch(mapped_requests.device(), mapped_logits.device(), stream); });
  const double copied_logits_ms = MedianMs([&](cudaStream_t stream) {
    Demand(cudaMemcpyAsync(requests.get(), mapped_requests.host(), requests.bytes(), cudaMemcpyHostToDevice, stream),
           "copy");
    launch(requests.get(), device_logits.get(), stream);
    Demand(cudaMemcpyAsync(mapped_logits.host(), device_logits.get(), device_logits.bytes(), cudaMemcpyDeviceToHost,
                           stream),
           "copy");
  });
  Note(Text("logits of %d objects (%.0f KB) to the CPU", kObjects, static_cast<double>(logits) * 4 / 1e3),
       Text("mapped %.4f ms, copied %.4f ms", mapped_logits_ms, copied_logits_ms));
}

__global__ void NoKernel() {}

void TimeWaits() {
  cudaStream_t stream;
  Demand(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  const auto time = [&](unsigned flags) {
    cudaEvent_t event;
    Demand(cudaEventCreateWithFlags(&event, flags), "event");
    std::vector<double> times;
    for (int run = 0; run < 200; ++run) {
      const auto begin = std::chrono::steady_clock::now();
      NoKernel<<<1, 1, 0, stream>>>();
      Demand(cudaEventRecord(event, stream), "event");
      Demand(cudaEventSynchronize(event), "event");
      times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
    cudaEventDestroy(event);
    return Median(times);
  };
  Note("an empty kernel, launched and waited for",
       Text("sleeping %.4f ms, spinning %.4f ms", time(cudaEventBlockingSync | cudaEventDisableTiming),
            time(cudaEventDisableTiming)));
  cudaStreamDestroy(stream);
}

}  // namespace
}  // namespace fastsamd::gpu

int main() {
  using namespace fastsamd;
  using namespace fastsamd::gpu;
  TimeCopies();
  CheckFrame(PixelFormat::kNv12, "nv12", 1920, 1080);
  CheckFrame(PixelFormat::kNv12, "nv12", 3840, 2160);
  CheckFrame(PixelFormat::kRgb, "rgb", 1920, 1080);
  CheckFrame(PixelFormat::kRgba, "rgba", 1920, 1080);
  TimeResults();
  TimeWaits();
  return Finish();
}
