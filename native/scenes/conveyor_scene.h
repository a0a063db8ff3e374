#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "scenes/conveyor.h"
#include "scenes/conveyor_parts.h"

namespace fastsamd {

/// What stays the same through all pictures of a scene. Lengths are pixels of the picture.
struct ConveyorScene {
  uint32_t seed = 0;
  int width = 0;
  int height = 0;
  /// Shorter side of the picture: sizes are fractions of it.
  float unit = 0.0f;
  /// Rows of the belt; rails lie above and below.
  int belt_top = 0;
  int belt_bottom = 0;
  /// Pixels a second.
  double speed = 0.0;
  /// Pixels that the belt moves while the shutter is open.
  float blur = 0.0f;
  double density = 0.0;
  /// Of ConveyorOptions.
  bool plates = false;
  int lanes = 1;
  std::array<float, 3> belt_color{};
  float belt_grain = 0.0f;
  std::array<float, 3> rail_color{};
  /// Towards the light, in the picture's plane; how far shadows fall and how dark they are.
  float light_x = 0.0f;
  float light_y = 0.0f;
  float shadow_length = 0.0f;
  float shadow_strength = 0.0f;
  std::array<float, 3> light_color{};
  /// The lamp over the inspection station: centre as fractions of the picture, and how much brighter it is there.
  float lamp_x = 0.5f;
  float lamp_y = 0.5f;
  float lamp_strength = 0.0f;
  float ambient = 1.0f;
  /// Standard deviation of the sensor's noise, in levels of 255.
  float noise = 0.0f;
};

/// The scene on a drawing of `width` x `height`, which is the picture or holds it; sizes go by the picture.
ConveyorScene MakeScene(const ConveyorOptions& options, int width, int height);

/// Pixels that the belt has moved when picture `index` is taken.
double BeltOffset(const ConveyorScene& scene, int index, double fps);

/// The parts that may be seen when the belt has moved `offset` pixels, lowest first.
std::vector<Part> PartsInView(const ConveyorScene& scene, double offset);

}  // namespace fastsamd
