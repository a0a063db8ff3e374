// Times the decoding of 100 objects on a 1920x1080 frame and letterboxing into 640x640. Prints one line per case and
// a JSON object on the last line. One thread.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "core/letterbox.h"
#include "scene.h"

namespace fastsamd::test {
namespace {

constexpr int kRuns = 50;
constexpr int kWarmUps = 5;

struct Timing {
  double median_ms;
  double p95_ms;
};

Timing Measure(const std::function<void()>& work) {
  std::vector<double> milliseconds;
  for (int i = 0; i < kWarmUps + kRuns; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
    if (i >= kWarmUps) milliseconds.push_back(elapsed.count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  return {milliseconds[kRuns / 2], milliseconds[kRuns * 95 / 100]};
}

std::string Report(const std::string& name, const Timing& timing) {
  std::printf("%-28s median %6.3f ms  p95 %6.3f ms\n", name.c_str(), timing.median_ms, timing.p95_ms);
  char json[128];
  std::snprintf(json, sizeof(json), "\"%s\":{\"medianMs\":%.3f,\"p95Ms\":%.3f}", name.c_str(), timing.median_ms,
                timing.p95_ms);
  return json;
}

std::string BenchDecode() {
  const Geometry geometry = MakeGeometry(1920, 1080, 640, 640).value();
  const Scene scene = BlobScene(geometry, 100, 0.05, 1);
  Segments segments;
  const Timing timing = Measure([&] { segments = Decode(scene.outputs(), geometry, {}).value(); });
  const double area = std::accumulate(segments.areas.begin(), segments.areas.end(), 0.0);
  std::printf("%zu objects, mean area %.2f %% of the frame, %zu runs\n", segments.count(),
              100.0 * area / static_cast<double>(segments.count()) / (1920.0 * 1080.0), segments.runs.size());
  return Report("decode-1920x1080", timing);
}

std::string BenchLetterbox(const char* name, PixelFormat format, int width, int height) {
  const Geometry geometry = MakeGeometry(width, height, 640, 640).value();
  std::vector<uint8_t> pixels(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 2654435761U >> 24);
  const uint8_t* second = pixels.data() + static_cast<size_t>(width) * static_cast<size_t>(height);
  const uint8_t* third = second + static_cast<size_t>(width / 2) * static_cast<size_t>(height / 2);
  ImageView image{format, width, height, {pixels.data(), second, third}, {}};
  image.strides = {format == PixelFormat::kRgb ? width * 3 : width, format == PixelFormat::kNv12 ? width : width / 2,
                   width / 2};
  std::vector<float> input(3 * 640 * 640);
  bool ok = true;
  const Timing timing = Measure([&] { ok = ok && Letterbox(image, geometry, input.data(), input.size()).ok(); });
  if (!ok) std::printf("letterbox failed\n");
  return Report(std::string("letterbox-") + name + "-" + std::to_string(width) + "x" + std::to_string(height), timing);
}

int Run() {
  std::string json = BenchDecode();
  for (const auto& [width, height] : {std::pair{1280, 720}, std::pair{1920, 1080}}) {
    json += "," + BenchLetterbox("rgb", PixelFormat::kRgb, width, height);
    json += "," + BenchLetterbox("i420", PixelFormat::kI420, width, height);
    json += "," + BenchLetterbox("nv12", PixelFormat::kNv12, width, height);
  }
  std::printf("{%s}\n", json.c_str());
  return 0;
}

}  // namespace
}  // namespace fastsamd::test

int main() { return fastsamd::test::Run(); }
