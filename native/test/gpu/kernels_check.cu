// Stand-alone: the letterbox kernel on a real GPU against native/core, in every format and at odd sizes, and its speed.
// How to compile and run it: docs/tensorrt.md. Exit code 0 when every value is equal.
#include <cuda_runtime.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "core/color.h"
#include "core/letterbox.h"
#include "cuda/kernels.h"

using namespace fastsamd;

namespace {

constexpr const char* kNames[] = {"rgb", "bgr", "rgba", "nv12", "i420"};
constexpr int kRuns = 200;

void Demand(cudaError_t code, const char* what) {
  if (code == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(code));
  std::exit(2);
}

template <typename T>
T* Upload(const std::vector<T>& values) {
  void* memory = nullptr;
  Demand(cudaMalloc(&memory, values.size() * sizeof(T)), "cudaMalloc");
  Demand(cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy");
  return static_cast<T*>(memory);
}

/// Whether the kernel's output equals the core's; prints what it took.
bool Check(PixelFormat format, int width, int height, int input_width, int input_height, bool timed) {
  const PlaneLayout layout = LayoutOf(format, width);
  std::mt19937 random(static_cast<unsigned>(width * 31 + height));
  std::vector<std::vector<uint8_t>> planes;
  ImageView view;
  view.format = format;
  view.width = width;
  view.height = height;
  size_t source_bytes = 0;
  for (int plane = 0; plane < layout.planes; ++plane) {
    const int rows = plane == 0 ? height : (height + 1) / 2;
    planes.emplace_back(static_cast<size_t>(layout.row_bytes[plane]) * static_cast<size_t>(rows));
    for (uint8_t& byte : planes.back()) byte = static_cast<uint8_t>(random());
    source_bytes += planes.back().size();
  }
  cuda::LetterboxInput input{};
  for (int plane = 0; plane < layout.planes; ++plane) {
    view.planes[plane] = planes[plane].data();
    view.strides[plane] = input.strides[plane] = layout.row_bytes[plane];
    input.planes[plane] = Upload(planes[plane]);
  }
  const Geometry g = MakeGeometry(width, height, input_width, input_height).value();
  const size_t size = size_t{3} * static_cast<size_t>(input_width) * static_cast<size_t>(input_height);
  std::vector<float> expected(size);
  if (!Letterbox(view, g, expected.data(), size).ok()) return false;

  input.yuv = MakeYuvMatrix(view.matrix, view.range);
  input.columns = Upload(MakeTaps(g.frame_width, g.content_width));
  input.rows = Upload(MakeTaps(g.frame_height, g.content_height));
  input.input_width = g.input_width;
  input.input_height = g.input_height;
  input.content_width = g.content_width;
  input.content_height = g.content_height;
  input.left = g.left;
  input.top = g.top;
  float* output = Upload(std::vector<float>(size));
  Demand(cuda::LaunchLetterbox(format, input, cuda::ElementType::kFloat, output, nullptr), "letterbox");
  std::vector<float> got(size);
  Demand(cudaMemcpy(got.data(), output, size * sizeof(float), cudaMemcpyDeviceToHost), "letterbox");
  const bool equal = got == expected;
  std::printf("%-5s %4dx%-4d -> %4dx%-4d %s", kNames[static_cast<int>(format)], width, height, input_width,
              input_height, equal ? "equal" : "DIFFERENT");
  if (timed) {
    cudaEvent_t begin, end;
    Demand(cudaEventCreate(&begin), "event");
    Demand(cudaEventCreate(&end), "event");
    Demand(cudaEventRecord(begin), "event");
    for (int run = 0; run < kRuns; ++run) {
      Demand(cuda::LaunchLetterbox(format, input, cuda::ElementType::kFloat, output, nullptr), "letterbox");
    }
    Demand(cudaEventRecord(end), "event");
    Demand(cudaEventSynchronize(end), "letterbox");
    float ms = 0;
    Demand(cudaEventElapsedTime(&ms, begin, end), "event");
    const double seconds = ms / 1000.0 / kRuns;
    std::printf("  %.3f ms, %.0f GB/s", seconds * 1e3, static_cast<double>(source_bytes + size * 4) / seconds / 1e9);
  }
  std::printf("\n");
  for (int plane = 0; plane < layout.planes; ++plane) cudaFree(const_cast<uint8_t*>(input.planes[plane]));
  cudaFree(const_cast<Tap*>(input.columns));
  cudaFree(const_cast<Tap*>(input.rows));
  cudaFree(output);
  return equal;
}

}  // namespace

int main() {
  cudaDeviceProp properties{};
  Demand(cudaGetDeviceProperties(&properties, 0), "GPU");
  std::printf("%s, compute capability %d.%d\n", properties.name, properties.major, properties.minor);
  bool equal = true;
  for (const PixelFormat format :
       {PixelFormat::kRgb, PixelFormat::kBgr, PixelFormat::kRgba, PixelFormat::kNv12, PixelFormat::kI420}) {
    equal &= Check(format, 641, 361, 320, 192, false);
    equal &= Check(format, 1, 1, 32, 32, false);
    equal &= Check(format, 37, 211, 640, 640, false);
    equal &= Check(format, 1280, 720, 640, 640, true);
    equal &= Check(format, 1920, 1080, 1024, 576, true);
  }
  return equal ? 0 : 1;
}
