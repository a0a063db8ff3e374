#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scenes/conveyor_parts.h"
#include "scenes/conveyor_scene.h"

namespace fastsamd {

/// Rows y0..y1 of a picture before the sensor sees it: one plane a colour, 0..255 and beyond, and what covers each
/// pixel.
struct Band {
  int width = 0;
  int y0 = 0;
  int y1 = 0;
  std::array<std::vector<float>, 3> planes;
  std::vector<uint16_t> labels;

  float* Row(size_t plane, int y) {
    return planes[plane].data() + static_cast<size_t>(y - y0) * static_cast<size_t>(width);
  }
  uint16_t* LabelRow(int y) { return labels.data() + static_cast<size_t>(y - y0) * static_cast<size_t>(width); }
};

// The layers of a picture, from below. `scratch` is memory to work with, kept from call to call.

/// Grain that travels with the belt, and a seam now and then.
void DrawBelt(const ConveyorScene& scene, double offset, Band& band, std::vector<float>& scratch);

/// Darkens what lies below a part, where it keeps the light away.
void DrawShadow(const ConveyorScene& scene, const Part& part, Band& band, std::vector<float>& scratch);

/// The part, and `label` at pixels whose centres it covers.
void DrawPart(const ConveyorScene& scene, const Part& part, uint16_t label, Band& band, std::vector<float>& scratch);

/// What the belt and everything on it moves while the shutter is open. Labels stay where they are at half time.
void BlurBelt(const ConveyorScene& scene, Band& band, std::vector<float>& scratch);

/// Aluminium rails along the belt, screws in them, and yellow marks where the inspection station is.
void DrawRails(const ConveyorScene& scene, Band& band);

}  // namespace fastsamd
