#pragma once

#include <cstdint>
#include <vector>

#include "scenes/view.h"

namespace fastsamd {

enum class PartClass : uint8_t { kWasher, kNut, kBracket, kBolt, kPlate };
enum class PartDefect : uint8_t { kNone, kMissingHole, kBent, kScratch };

/// More rows of plates would touch on the narrowest belt.
inline constexpr int kMaxPlateLanes = 2;

struct ConveyorOptions {
  /// 1..kMaxSide.
  int width = 0;
  int height = 0;
  /// Above zero. The belt's speed is a number of pixels a second, so a higher rate shows smaller steps.
  double fps = 0.0;
  /// Everything that varies from scene to scene: belt, light, parts, speed, noise.
  uint32_t seed = 0;
  /// One product, one part behind the other and none touching: the belt of an inspection station. Every plate has the
  /// same size and two bores; 18 % of them have a defect.
  bool plates = false;
  /// Rows of plates side by side, 1..kMaxPlateLanes.
  int lanes = 1;
  ViewOptions view = {};
};

/// What is true about one part in one picture.
struct ConveyorInstance {
  /// The same for this part in every picture of the scene.
  int64_t id = 0;
  PartClass part = PartClass::kWasher;
  PartDefect defect = PartDefect::kNone;
  /// Bounds of the visible pixels: x0 <= x < x1.
  int x0 = 0;
  int y0 = 0;
  int x1 = 0;
  int y1 = 0;
  int visible_pixels = 0;
  /// Of the whole part, beyond the picture's border and behind the bar too: 0..1.
  double visible_fraction = 0.0;
};

struct ConveyorTruth {
  /// One value a pixel, row-major: 0 is no part, k + 1 is instances[k]. Holes of parts are no part.
  std::vector<uint16_t> labels;
  /// Parts that are nearly hidden are left out, and their pixels are 0: less than 15 % visible, or less than 60 pixels
  /// of a 640 x 640 picture.
  std::vector<ConveyorInstance> instances;
};

/// Draws picture `index` of a conveyor belt seen from above into `rgb` (tight, width * height * 3 bytes): washers,
/// nuts, brackets, bolts and plates pass from left to right, some on top of others, some with a defect. A pure function
/// of its arguments: any picture can be drawn by itself. `truth` may be null.
void RenderConveyor(int index, const ConveyorOptions& options, uint8_t* rgb, ConveyorTruth* truth);

}  // namespace fastsamd
