// The kernels on a real GPU against native/core, bit for bit, and how long each takes.
//   kernels_check [quick]      quick: small and untimed, for compute-sanitizer
#include <cuda_runtime.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "core/candidates.h"
#include "core/color.h"
#include "core/letterbox.h"
#include "cuda/kernels.h"
#include "cuda/masks.h"
#include "device.h"
#include "image_oracle.h"
#include "report.h"
#include "scene.h"

namespace fastsamd::gpu {
namespace {

using cuda::ElementType;
using cuda::Half;
using test::RandomImage;
using test::Scene;

constexpr const char* kFormatNames[] = {"rgb", "bgr", "rgba", "nv12", "i420"};
constexpr ElementType kTypes[] = {ElementType::kFloat, ElementType::kHalf};

const char* NameOf(ElementType type) { return type == ElementType::kHalf ? "half" : "float"; }

/// The bytes of a tensor of these values.
std::vector<uint8_t> BytesOf(const std::vector<float>& values, ElementType type) {
  std::vector<uint8_t> bytes(values.size() * cuda::SizeOf(type));
  for (size_t i = 0; i < values.size(); ++i) {
    const Half half = cuda::ToHalf(values[i]);
    if (type == ElementType::kHalf) std::memcpy(&bytes[2 * i], &half, 2);
    if (type == ElementType::kFloat) std::memcpy(&bytes[4 * i], &values[i], 4);
  }
  return bytes;
}

/// What the values become when they are stored in a tensor of this type.
void RoundTo(ElementType type, std::vector<float>& values) {
  if (type == ElementType::kFloat) return;
  for (float& value : values) value = cuda::ToFloat(cuda::ToHalf(value));
}

/// A frame in device memory, with what the letterbox kernel needs.
struct LetterboxJob {
  LetterboxJob(const ImageView& image, const Geometry& g)
      : columns(MakeTaps(g.frame_width, g.content_width)), rows(MakeTaps(g.frame_height, g.content_height)) {
    const PlaneLayout layout = LayoutOf(image.format, image.width);
    for (int p = 0; p < layout.planes; ++p) {
      const size_t plane = static_cast<size_t>(p);
      const int plane_rows = p == 0 ? image.height : (image.height + 1) / 2;
      const size_t bytes = static_cast<size_t>(image.strides[plane]) * static_cast<size_t>(plane_rows - 1) +
                           static_cast<size_t>(layout.row_bytes[plane]);
      planes.emplace_back(std::vector<uint8_t>(image.planes[plane], image.planes[plane] + bytes));
      input.planes[p] = planes.back().get();
      input.strides[p] = image.strides[plane];
      read_bytes += planes.back().bytes();
    }
    input.yuv = MakeYuvMatrix(image.matrix, image.range);
    input.columns = columns.get();
    input.rows = rows.get();
    input.input_width = g.input_width;
    input.input_height = g.input_height;
    input.content_width = g.content_width;
    input.content_height = g.content_height;
    input.left = g.left;
    input.top = g.top;
  }

  DeviceArray<Tap> columns;
  DeviceArray<Tap> rows;
  std::vector<DeviceArray<uint8_t>> planes;
  cuda::LetterboxInput input{};
  size_t read_bytes = 0;
};

bool LetterboxEquals(const ImageView& view, int input_width, int input_height, ElementType type) {
  const Geometry g = MakeGeometry(view.width, view.height, input_width, input_height).value();
  std::vector<float> expected(size_t{3} * static_cast<size_t>(input_width) * static_cast<size_t>(input_height));
  if (!Letterbox(view, g, expected.data(), expected.size()).ok()) return false;
  const LetterboxJob job(view, g);
  const DeviceArray<uint8_t> output(expected.size() * cuda::SizeOf(type));
  Demand(cuda::LaunchLetterbox(view.format, job.input, type, output.get(), nullptr), "letterbox");
  Demand(cudaDeviceSynchronize(), "letterbox");
  return output.Read() == BytesOf(expected, type);
}

void CheckLetterbox(bool quick) {
  struct Case {
    int width, height, input_width, input_height;
  };
  // Down, up, halved, even, odd, wide, tall, one pixel thin.
  std::vector<Case> cases = {{641, 361, 320, 192}, {1, 1, 32, 32}, {37, 211, 160, 160}, {3, 200, 64, 96}};
  if (!quick) {
    const Case more[] = {{128, 96, 64, 64},       {640, 480, 320, 320},  {777, 5, 320, 320},
                         {320, 180, 640, 384},    {1280, 720, 640, 640}, {1920, 1080, 640, 640},
                         {1920, 1080, 1024, 576}, {3840, 2160, 640, 640}};
    cases.insert(cases.end(), std::begin(more), std::end(more));
  }
  uint32_t seed = 1;
  for (const PixelFormat format : test::kFormats) {
    for (const ElementType type : kTypes) {
      int equal = 0;
      int all = 0;
      std::string different;
      for (const Case& c : cases) {
        for (const ColorRange range : {ColorRange::kLimited, ColorRange::kFull}) {
          RandomImage image(format, c.width, c.height, static_cast<int>(seed % 5), seed);
          image.view.range = range;
          image.view.matrix = static_cast<ColorMatrix>(seed++ % 3);
          ++all;
          if (LetterboxEquals(image.view, c.input_width, c.input_height, type)) {
            ++equal;
          } else {
            different += Text(" %dx%d->%dx%d", c.width, c.height, c.input_width, c.input_height);
          }
        }
      }
      Expect(equal == all, Text("letterbox %s to %s", kFormatNames[static_cast<int>(format)], NameOf(type)),
             Text("%d of %d equal", equal, all) + different);
    }
  }
}

/// What the GPU makes of the floats with these bits, and of the halves among them.
__global__ void HalfKernel(uint32_t begin, uint32_t count, uint16_t* halves, uint32_t* floats) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  halves[i] = cuda::ToHalf(cuda::FloatOf(begin + i)).bits;
  floats[i] = cuda::BitsOf(cuda::ToFloat(Half{static_cast<uint16_t>(begin + i)}));
}

/// The GPU's conversions against the CPU's: every half, and every 13th block of 2^20 floats. NaN need only be NaN.
void CheckHalf() {
  constexpr uint32_t kBlock = 1 << 20;
  const DeviceArray<uint16_t> halves(kBlock);
  const DeviceArray<uint32_t> floats(kBlock);
  uint64_t wrong = 0;
  uint64_t all = 0;
  for (uint64_t begin = 0; begin < (uint64_t{1} << 32); begin += uint64_t{kBlock} * 13) {
    HalfKernel<<<kBlock / 256, 256>>>(static_cast<uint32_t>(begin), kBlock, halves.get(), floats.get());
    Demand(cudaGetLastError(), "half");
    const std::vector<uint16_t> got = halves.Read();
    const std::vector<uint32_t> back = floats.Read();
    for (uint32_t i = 0; i < kBlock; ++i, ++all) {
      const float value = cuda::FloatOf(static_cast<uint32_t>(begin) + i);
      const bool is_nan = std::isnan(value);
      wrong += is_nan ? (got[i] & 0x7fffU) <= 0x7c00U : got[i] != cuda::ToHalf(value).bits;
      const float half = cuda::ToFloat(Half{static_cast<uint16_t>(begin + i)});
      wrong += std::isnan(half) ? !std::isnan(cuda::FloatOf(back[i])) : back[i] != cuda::BitsOf(half);
    }
  }
  Expect(wrong == 0, "half: the GPU's conversions equal the CPU's",
         Text("%llu of %llu floats and all halves, %llu wrong", static_cast<unsigned long long>(all), 1ULL << 32,
              static_cast<unsigned long long>(wrong)));
}

bool Same(const cuda::SelectedAnchor& got, const Candidate& expected, const Scene& scene) {
  const float box[4] = {expected.box.x1, expected.box.y1, expected.box.x2, expected.box.y2};
  if (std::memcmp(&got.x1, box, sizeof(box)) != 0 || got.score != expected.score ||
      got.class_index != expected.class_index || got.anchor != expected.anchor) {
    return false;
  }
  for (int k = 0; k < kMaskChannels; ++k) {
    const size_t row = 4 + static_cast<size_t>(scene.classes) + static_cast<size_t>(k);
    const size_t at = row * static_cast<size_t>(scene.anchors) + static_cast<size_t>(expected.anchor);
    if (got.coefficients[k] != scene.detections[at]) return false;
  }
  return true;
}

/// Selection, then the masks of everything that NMS leaves, against native/core.
bool DecodeEquals(Scene scene, ElementType type, float conf, size_t* found) {
  RoundTo(type, scene.detections);
  RoundTo(type, scene.proto);
  const DeviceArray<uint8_t> detections(BytesOf(scene.detections, type));
  const DeviceArray<uint8_t> proto(BytesOf(scene.proto, type));
  const DeviceArray<uint32_t> count(1);
  const DeviceArray<cuda::SelectedAnchor> anchors(static_cast<size_t>(scene.anchors));
  Demand(cuda::LaunchSelect(type, detections.get(), scene.anchors, scene.classes, conf, {count.get(), anchors.get()},
                            nullptr),
         "select");
  Demand(cudaDeviceSynchronize(), "select");
  const size_t selected_count = count.Read()[0];
  std::vector<cuda::SelectedAnchor> selected(selected_count);
  Demand(
      cudaMemcpy(selected.data(), anchors.get(), selected_count * sizeof(cuda::SelectedAnchor), cudaMemcpyDeviceToHost),
      "select");
  const std::vector<Candidate> expected = SelectCandidates(scene.outputs(), conf);
  const std::vector<Candidate> got = cuda::CandidatesOf(selected.data(), selected_count);
  if (got.size() != expected.size()) return false;
  for (size_t i = 0; i < got.size(); ++i) {
    if (!Same(selected[static_cast<size_t>(got[i].anchor)], expected[i], scene)) return false;
  }

  DecodeOptions options;
  options.conf = conf;
  const Segments want = Decode(scene.outputs(), scene.geometry, options).value();
  const auto objects = FindObjects(got, scene.geometry, options);
  LogitRunWriter runs(scene.geometry);
  Segments segments = NoSegments(scene.geometry);
  const int proto_width = scene.geometry.input_width / 4;
  const int proto_height = scene.geometry.input_height / 4;
  const size_t room = 8 * static_cast<size_t>(proto_width) * static_cast<size_t>(proto_height);
  for (size_t begin = 0; begin < objects.size();) {
    const cuda::LogitBatch batch = cuda::NextBatch(objects, begin, runs, selected.data(), {room, 1024});
    const DeviceArray<cuda::LogitRequest> requests(batch.requests);
    const DeviceArray<float> logits(room);
    Demand(cuda::LaunchMaskLogits(type, proto.get(), proto_width, proto_height, requests.get(),
                                  static_cast<int>(batch.requests.size()), batch.max_cells, logits.get(), nullptr),
           "mask logits");
    size_t used = 0;
    for (const auto& r : batch.requests) used = std::max(used, r.offset + static_cast<size_t>(r.columns * r.rows));
    std::vector<float> values(used);
    Demand(cudaMemcpy(values.data(), logits.get(), used * sizeof(float), cudaMemcpyDeviceToHost), "mask logits");
    cuda::AppendBatch(objects, batch, values.data(), runs, segments);
    begin = batch.end;
  }
  *found += segments.count();
  return segments.boxes == want.boxes && segments.scores == want.scores && segments.areas == want.areas &&
         segments.offsets == want.offsets && segments.runs.size() == want.runs.size() &&
         std::memcmp(segments.runs.data(), want.runs.data(), want.runs.size() * sizeof(want.runs[0])) == 0;
}

/// Boxes and scores that are no numbers are no candidates.
Scene BrokenScene() {
  Scene scene = test::EmptyScene(MakeGeometry(64, 64, 64, 64).value(), 2);
  int anchor = 0;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(), -5.0F, 0.45F}) {
    for (int row = 0; row < 6; ++row) {
      const float good[6] = {20, 30, 10, 20, 0.6F, 0.5F};
      for (int k = 0; k < 6; ++k) scene.At(k, anchor) = k == row ? bad : good[k];
      ++anchor;
    }
  }
  return scene;
}

void CheckDecode(bool quick) {
  struct Case {
    int width, height, input_width, input_height;
  };
  std::vector<Case> cases = {{641, 361, 320, 192}};
  if (!quick) cases.insert(cases.end(), {{640, 480, 320, 320}, {100, 300, 160, 160}, {1920, 1080, 640, 640}});
  for (const ElementType type : kTypes) {
    size_t found = 0;
    int equal = 0;
    int all = 0;
    for (const Case& c : cases) {
      const Geometry g = MakeGeometry(c.width, c.height, c.input_width, c.input_height).value();
      for (uint32_t seed = 1; seed <= (quick ? 1U : 3U); ++seed) {
        for (const Scene& scene : {test::BlobScene(g, 60, 0.05, seed), test::NoiseScene(g, 1, 20, seed),
                                   test::NoiseScene(g, 80, 20, seed)}) {
          ++all;
          equal += DecodeEquals(scene, type, 0.3F, &found) ? 1 : 0;
        }
      }
    }
    ++all;
    equal += DecodeEquals(BrokenScene(), type, 0.4F, &found) ? 1 : 0;
    Expect(equal == all && found > 0, Text("select and mask logits, %s", NameOf(type)),
           Text("%d of %d scenes equal, %zu objects", equal, all, found));
  }
}

void TimeLetterbox() {
  struct Case {
    PixelFormat format;
    int width, height, side;
  };
  for (const Case& c : {Case{PixelFormat::kNv12, 1920, 1080, 640}, Case{PixelFormat::kNv12, 3840, 2160, 640},
                        Case{PixelFormat::kNv12, 1920, 1080, 1024}, Case{PixelFormat::kI420, 1920, 1080, 640},
                        Case{PixelFormat::kRgb, 1920, 1080, 640}, Case{PixelFormat::kRgba, 1920, 1080, 640}}) {
    const RandomImage image(c.format, c.width, c.height, 0, 1);
    const Geometry g = MakeGeometry(c.width, c.height, c.side, c.side).value();
    const LetterboxJob job(image.view, g);
    for (const ElementType type : kTypes) {
      const DeviceArray<uint8_t> output(size_t{3} * static_cast<size_t>(c.side * c.side) * cuda::SizeOf(type));
      const double ms = MedianMs([&](cudaStream_t stream) {
        Demand(cuda::LaunchLetterbox(c.format, job.input, type, output.get(), stream), "letterbox");
      });
      Note(Text("time of letterbox %s %dx%d to %d %s", kFormatNames[static_cast<int>(c.format)], c.width, c.height,
                c.side, NameOf(type)),
           Text("%.4f ms, %.0f GB/s", ms, static_cast<double>(job.read_bytes + output.bytes()) / ms / 1e6));
    }
  }
}

void TimeDecode() {
  const Geometry g = MakeGeometry(1920, 1080, 640, 640).value();
  for (const int classes : {1, 80}) {
    const Scene scene = test::NoiseScene(g, classes, 100, 3);
    for (const ElementType type : kTypes) {
      const DeviceArray<uint8_t> detections(BytesOf(scene.detections, type));
      const DeviceArray<uint32_t> count(1);
      const DeviceArray<cuda::SelectedAnchor> anchors(static_cast<size_t>(scene.anchors));
      const double ms = MedianMs([&](cudaStream_t stream) {
        Demand(cuda::LaunchSelect(type, detections.get(), scene.anchors, classes, 0.3F, {count.get(), anchors.get()},
                                  stream),
               "select");
      });
      // Classes of every anchor are read; boxes and coefficients of the selected ones only.
      const double bytes = static_cast<double>(classes) * scene.anchors * static_cast<double>(cuda::SizeOf(type));
      Note(Text("time of select, %d anchors, %d classes, %s", scene.anchors, classes, NameOf(type)),
           Text("%.4f ms, %.0f GB/s", ms, bytes / ms / 1e6));
    }
  }
  constexpr int kObjects = 100;
  constexpr int kSide = 40;
  std::vector<cuda::LogitRequest> list;
  for (int i = 0; i < kObjects; ++i) {
    list.push_back({i, i, kSide, kSide, static_cast<uint32_t>(i * kSide * kSide), {}});
    for (float& c : list.back().coefficients) c = 0.5F;
  }
  const Scene scene = test::NoiseScene(g, 1, 10, 3);
  const DeviceArray<cuda::LogitRequest> requests(list);
  const DeviceArray<float> logits(size_t{kObjects} * kSide * kSide);
  for (const ElementType type : kTypes) {
    const DeviceArray<uint8_t> proto(BytesOf(scene.proto, type));
    const double ms = MedianMs([&](cudaStream_t stream) {
      Demand(cuda::LaunchMaskLogits(type, proto.get(), 160, 160, requests.get(), kObjects, kSide * kSide, logits.get(),
                                    stream),
             "mask logits");
    });
    const double bytes =
        static_cast<double>(kObjects) * kSide * kSide * (kMaskChannels * static_cast<double>(cuda::SizeOf(type)) + 4);
    Note(Text("time of mask logits, %d objects of %dx%d cells, %s", kObjects, kSide, kSide, NameOf(type)),
         Text("%.4f ms, %.0f GB/s", ms, bytes / ms / 1e6));
  }
}

}  // namespace
}  // namespace fastsamd::gpu

int main(int argc, char** argv) {
  using namespace fastsamd::gpu;
  const bool quick = argc > 1 && std::string(argv[1]) == "quick";
  CheckLetterbox(quick);
  CheckDecode(quick);
  if (!quick) {
    CheckHalf();
    TimeLetterbox();
    TimeDecode();
  }
  return Finish();
}
