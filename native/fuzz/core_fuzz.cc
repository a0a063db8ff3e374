// Coverage-guided fuzzing of what native code reads from outside (libFuzzer): COCO's RLE, runs and contours, JPEG
// markers, the arguments of a letterbox, the prefix of an engine file, and lists of detections. FUZZ_TARGET chooses.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/color.h"
#include "core/contour.h"
#include "core/geometry.h"
#include "core/jpeg_markers.h"
#include "core/letterbox.h"
#include "core/rle.h"
#include "core/segments.h"
#include "eval/detection_list.h"
#include "tensorrt/engine_file.h"

namespace fastsamd {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

/// Runs of any text: what decodes is written and read again as the same runs.
void FuzzRle(const uint8_t* data, size_t size) {
  if (size < 2) return;
  const int width = 1 + data[0];
  const int height = 1 + data[1];
  const std::string_view counts(reinterpret_cast<const char*>(data + 2), size - 2);
  const auto runs = DecodeRle(counts, width, height);
  if (!runs.ok()) return;
  const std::vector<Run>& decoded = runs.value();
  const uint64_t pixels = static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
  const auto again = DecodeRle(EncodeRle(decoded.data(), decoded.size(), pixels), width, height);
  Require(again.ok() && again.value().size() == decoded.size());
  for (size_t k = 0; k < decoded.size(); ++k) {
    Require(std::memcmp(&again.value()[k], &decoded[k], sizeof(Run)) == 0);
  }
}

/// Any runs, valid or not: an error or polygons, no crash.
void FuzzContours(const uint8_t* data, size_t size) {
  if (size < 3) return;
  const int width = 1 + data[0];
  const int height = 1 + data[1];
  const float tolerance = static_cast<float>(data[2]) / 32.0F;
  std::vector<Run> runs((size - 3) / sizeof(Run));
  if (!runs.empty()) std::memcpy(runs.data(), data + 3, runs.size() * sizeof(Run));
  const auto polygons = TracePolygons(runs.data(), runs.size(), width, height, tolerance);
  if (polygons.ok()) Require(polygons.value().rings.back() <= polygons.value().points.size());
}

void FuzzJpegMarkers(const uint8_t* data, size_t size) {
  const JpegSize read = ReadJpegSize(data, size);
  Require(read.width >= 0 && read.width < 65'536 && read.height >= 0 && read.height < 65'536);
  // What is appended to a whole picture does not matter.
  if (ReadJpegState(data, size) != JpegState::kWhole) return;
  std::vector<uint8_t> longer(data, data + size);
  longer.insert(longer.end(), {0xFF, 0xD8, 0xFF});
  Require(ReadJpegState(longer.data(), longer.size()) == JpegState::kWhole);
}

/// Numbers from the input, then zeros.
class Numbers {
 public:
  Numbers(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  int Next(int least, int most) {
    unsigned value = 0;
    for (int k = 0; k < 4; ++k) value = value << 8U | Byte();
    if ((value & 0xC0000000U) == 0) return static_cast<int>(value);  // Any number, mostly out of range.
    return least + static_cast<int>(value % static_cast<unsigned>(most - least + 1));
  }
  uint8_t Byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

/// Any sizes, strides and geometry: an error, or a picture that was read and an input that was written within their
/// bounds (AddressSanitizer watches both, allocated at their exact sizes) with values from 0 to 1.
void FuzzLetterbox(const uint8_t* data, size_t size) {
  constexpr int kLargest = 70;
  Numbers numbers(data, size);
  ImageView image;
  image.format = static_cast<PixelFormat>(numbers.Byte() % 5);
  image.matrix = static_cast<ColorMatrix>(numbers.Byte() % 3);
  image.range = static_cast<ColorRange>(numbers.Byte() % 2);
  image.width = numbers.Next(1, kLargest);
  image.height = numbers.Next(1, kLargest);
  for (int& stride : image.strides) stride = numbers.Next(1, 5 * kLargest);
  const bool is_small = image.width <= kLargest && image.height <= kLargest;
  const int width_units = numbers.Next(1, 4);
  const int input_width = width_units < 1 || width_units > 4 ? width_units : width_units * 32;
  const int height_units = numbers.Next(1, 4);
  const int input_height = height_units < 1 || height_units > 4 ? height_units : height_units * 32;
  Result<Geometry> made = MakeGeometry(image.width, image.height, input_width, input_height);
  if (made.ok()) Require(Validate(made.value()).ok());
  Geometry geometry = made.ok() ? made.value() : Geometry{};
  if (numbers.Byte() % 2 == 0) {
    for (int* value : {&geometry.content_width, &geometry.content_height, &geometry.left, &geometry.top}) {
      *value = numbers.Next(0, 128);
    }
  }
  std::array<std::unique_ptr<uint8_t[]>, 3> planes;
  if (is_small && image.width >= 1 && image.height >= 1) {
    for (size_t k = 0; k < planes.size(); ++k) {
      if (image.strides[k] < 1 || image.strides[k] > 5 * kLargest) continue;
      const size_t rows = static_cast<size_t>(k == 0 ? image.height : (image.height + 1) / 2);
      const size_t bytes = rows * static_cast<size_t>(image.strides[k]);
      planes[k] = std::make_unique<uint8_t[]>(bytes);
      for (size_t at = 0; at < bytes; ++at) planes[k][at] = numbers.Byte();
      image.planes[k] = planes[k].get();
    }
  }
  const bool has_input = input_width >= 1 && input_height >= 1 && input_width <= 256 && input_height <= 256;
  const size_t floats =
      has_input ? size_t{3} * static_cast<size_t>(input_width) * static_cast<size_t>(input_height) : 0;
  const auto output = std::make_unique<float[]>(floats);
  if (!Letterbox(image, geometry, output.get(), floats).ok()) return;
  for (size_t k = 0; k < floats; ++k) Require(output[k] >= 0.0F && output[k] <= 1.0F);
}

/// Any engine file: an error, or a plan that is the rest of the file behind the metadata.
void FuzzEngineFile(const uint8_t* data, size_t size) {
  static const int file = memfd_create("engine", MFD_CLOEXEC);
  Require(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == static_cast<ssize_t>(size));
  const auto read = tensorrt::ReadEngineFile("/proc/self/fd/" + std::to_string(file));
  if (!read.ok()) return;
  const tensorrt::EngineFile& engine = read.value();
  Require(engine.plan_offset <= size && engine.plan_size() == size - engine.plan_offset);
  Require(std::memcmp(engine.plan(), data + engine.plan_offset, engine.plan_size()) == 0);
  Require(engine.metadata.empty() || (engine.metadata.front() == '{' && engine.metadata.back() == '}'));
}

/// A list of detections whose first byte says where it is cut: read whole or in two pieces, the same detections or an
/// error both times.
void FuzzDetections(const uint8_t* data, size_t size) {
  if (size < 1) return;
  const char* const text = reinterpret_cast<const char*>(data + 1);
  const size_t length = size - 1;
  const size_t cut = length * data[0] / 255;
  DetectionListReader whole;
  const auto all = whole.Push(text, length);
  DetectionListReader pieces;
  const auto first = pieces.Push(text, cut);
  if (!first.ok()) {
    Require(!all.ok());
    return;
  }
  const auto second = pieces.Push(text + cut, length - cut);
  Require(all.ok() == second.ok());
  if (!all.ok()) return;
  Require(whole.Finish().ok() == pieces.Finish().ok());
  const DetectionBlock& block = all.value();
  const size_t count = block.pictures.size();
  Require(first.value().pictures.size() + second.value().pictures.size() == count);
  Require(first.value().text.size() + second.value().text.size() == block.text.size());
  Require(block.boxes.size() == 4 * count && block.sizes.size() == 2 * count && block.kinds.size() == count);
  Require(block.text_ends.size() == count && (count == 0 || block.text_ends.back() == block.text.size()));
}

}  // namespace
}  // namespace fastsamd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using Target = void (*)(const uint8_t*, size_t);
  static constexpr std::array<Target, 6> kTargets{fastsamd::FuzzRle,         fastsamd::FuzzContours,
                                                  fastsamd::FuzzJpegMarkers, fastsamd::FuzzLetterbox,
                                                  fastsamd::FuzzEngineFile,  fastsamd::FuzzDetections};
  static const char* chosen = std::getenv("FUZZ_TARGET");
  static const size_t number = chosen == nullptr ? 0 : std::strtoul(chosen, nullptr, 10);
  kTargets[number % kTargets.size()](data, size);
  return 0;
}
