#include "scenes/conveyor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/random.h"
#include "scenes/conveyor_paint.h"
#include "scenes/conveyor_parts.h"
#include "scenes/conveyor_scene.h"

namespace fastsamd {
namespace {

/// The picture is drawn in bands of this many rows, which stay in the cache from the belt to the sensor.
constexpr int kBandRows = 64;

/// Light of the lamp and the room, noise, and rounding to 8 bits.
void Expose(const ConveyorScene& scene, int index, Band& band, const std::vector<float>& lamp_row,
            std::vector<uint32_t>& hashes, uint8_t* rgb) {
  const auto frame = static_cast<uint32_t>(index) * 0x9e3779b1u ^ scene.seed;
  const int width = band.width;
  hashes.resize(static_cast<size_t>(width));
  const uint32_t* hash = hashes.data();
  const float* lamp = lamp_row.data();
  // The sum of two uniform numbers of 0..31 has a standard deviation of 13.05.
  const float noise = scene.noise / 13.05f;
  for (int y = band.y0; y < band.y1; ++y) {
    const float dy = (static_cast<float>(y) + 0.5f) / static_cast<float>(scene.height) - scene.lamp_y;
    const float strength = scene.lamp_strength * std::exp(-dy * dy / 0.12f);
    for (int x = 0; x < width; ++x) {
      hashes[static_cast<size_t>(x)] = HashLattice(static_cast<uint32_t>(x), static_cast<uint32_t>(y), frame);
    }
    for (int c = 0; c < 3; ++c) {
      float* row = band.Row(static_cast<size_t>(c), y);
      const float ambient = scene.ambient * scene.light_color[static_cast<size_t>(c)];
      const float gain = strength * scene.light_color[static_cast<size_t>(c)];
      for (int x = 0; x < width; ++x) {
        const auto a = static_cast<int>((hash[x] >> (10 * c)) & 31u);
        const auto b = static_cast<int>((hash[x] >> (10 * c + 5)) & 31u);
        const float value = row[x] * (ambient + gain * lamp[x]) + static_cast<float>(a + b - 31) * noise + 0.5f;
        row[x] = std::min(std::max(value, 0.0f), 255.0f);
      }
    }
    uint8_t* out = rgb + static_cast<size_t>(y) * static_cast<size_t>(width) * 3;
    const float* red = band.Row(0, y);
    const float* green = band.Row(1, y);
    const float* blue = band.Row(2, y);
    for (int x = 0; x < width; ++x) {
      out[3 * x] = static_cast<uint8_t>(static_cast<int>(red[x]));
      out[3 * x + 1] = static_cast<uint8_t>(static_cast<int>(green[x]));
      out[3 * x + 2] = static_cast<uint8_t>(static_cast<int>(blue[x]));
    }
  }
}

void Measure(int width, int height, ConveyorTruth& truth) {
  for (int y = 0; y < height; ++y) {
    const uint16_t* row = truth.labels.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
    for (int x = 0; x < width; ++x) {
      if (row[x] == 0) continue;
      ConveyorInstance& instance = truth.instances[row[x] - 1u];
      if (instance.visible_pixels++ == 0) instance.x0 = instance.x1 = x, instance.y0 = y;
      instance.x0 = std::min(instance.x0, x);
      instance.x1 = std::max(instance.x1, x + 1);
      instance.y1 = y + 1;
    }
  }
}

/// Removes parts that are nearly hidden and renumbers the others. `side`: the shorter side of the picture; `scale`:
/// pixels of the picture per pixel of the drawing.
void DropHidden(double side, double scale, const std::vector<Part>& parts, ConveyorTruth& truth) {
  const double least = 60.0 * side * side / (640.0 * 640.0);
  std::vector<uint16_t> renamed(parts.size() + 1, 0);
  std::vector<ConveyorInstance> kept;
  for (size_t i = 0; i < parts.size(); ++i) {
    ConveyorInstance instance = truth.instances[i];
    instance.visible_fraction =
        std::min(1.0, instance.visible_pixels / std::max(1.0, scale * scale * PartArea(parts[i])));
    if (instance.visible_pixels == 0 || instance.visible_pixels < least || instance.visible_fraction < 0.15) continue;
    kept.push_back(instance);
    renamed[i + 1] = static_cast<uint16_t>(kept.size());
  }
  for (uint16_t& label : truth.labels) label = renamed[label];
  truth.instances = std::move(kept);
}

/// The belt and everything on it. `labels` gets one value a pixel, k + 1 for parts[k]; it may be null.
void DrawScene(int index, const ConveyorScene& scene, double offset, const std::vector<Part>& parts, uint8_t* rgb,
               uint16_t* labels) {
  const auto width = static_cast<size_t>(scene.width);
  std::vector<float> lamp_row(width);
  for (size_t x = 0; x < width; ++x) {
    const float dx = ((static_cast<float>(x) + 0.5f) / static_cast<float>(scene.width) - scene.lamp_x) *
                     (static_cast<float>(scene.width) / scene.unit);
    lamp_row[x] = std::exp(-dx * dx / 0.12f);
  }
  Band band{scene.width, 0, 0, {}, {}};
  for (auto& plane : band.planes) plane.resize(width * kBandRows);
  std::vector<float> scratch;
  std::vector<uint32_t> hashes;
  for (int y = 0; y < scene.height; y += kBandRows) {
    band.y0 = y;
    band.y1 = std::min(y + kBandRows, scene.height);
    band.labels.assign(width * kBandRows, 0);
    DrawBelt(scene, offset, band, scratch);
    for (size_t i = 0; i < parts.size(); ++i) {
      DrawShadow(scene, parts[i], band, scratch);
      DrawPart(scene, parts[i], static_cast<uint16_t>(i + 1), band, scratch);
    }
    BlurBelt(scene, band, scratch);
    DrawRails(scene, band);
    Expose(scene, index, band, lamp_row, hashes, rgb);
    if (labels == nullptr) continue;
    std::copy_n(band.labels.begin(), static_cast<size_t>(band.y1 - band.y0) * width,
                labels + static_cast<size_t>(y) * width);
  }
}

}  // namespace

void RenderConveyor(int index, const ConveyorOptions& options, uint8_t* rgb, ConveyorTruth* truth) {
  const View view = ViewAt(index, options.width, options.height, options.view);
  const ConveyorScene scene = MakeScene(options, view.width, view.height);
  const double offset = BeltOffset(scene, index, options.fps);
  const std::vector<Part> parts = PartsInView(scene, offset);
  const size_t pixels = static_cast<size_t>(options.width) * static_cast<size_t>(options.height);
  if (truth) {
    truth->labels.assign(pixels, 0);
    truth->instances.assign(parts.size(), {});
    for (size_t i = 0; i < parts.size(); ++i) {
      truth->instances[i].id = parts[i].id;
      truth->instances[i].part = parts[i].kind;
      truth->instances[i].defect = parts[i].defect;
    }
  }
  uint16_t* labels = truth ? truth->labels.data() : nullptr;
  if (view.direct) {
    DrawScene(index, scene, offset, parts, rgb, labels);
    DrawBar(view, options.view, rgb, labels);
  } else {
    const size_t scene_pixels = static_cast<size_t>(view.width) * static_cast<size_t>(view.height);
    std::vector<uint8_t> scene_rgb(3 * scene_pixels);
    std::vector<uint16_t> scene_labels(truth ? scene_pixels : 0);
    uint16_t* below = truth ? scene_labels.data() : nullptr;
    DrawScene(index, scene, offset, parts, scene_rgb.data(), below);
    DrawBar(view, options.view, scene_rgb.data(), below);
    Look(view, scene_rgb.data(), below, options.width, options.height, rgb, labels);
  }
  DimLight(index, options.view, options.width, options.height, rgb);
  if (!truth) return;
  Measure(options.width, options.height, *truth);
  DropHidden(std::min(options.width, options.height), 1.0 / view.to_scene.Scale(), parts, *truth);
}

}  // namespace fastsamd
