#include "scenes/conveyor_scene.h"

#include <algorithm>
#include <cmath>

namespace fastsamd {
namespace {

constexpr std::array<std::array<float, 3>, 6> kBelts{
    {{58, 60, 64}, {44, 50, 58}, {40, 84, 66}, {46, 76, 104}, {132, 132, 126}, {84, 74, 66}}};

/// Parts lie in cells of this size along the belt, at least as many pixels in very flat pictures.
constexpr double kCell = 0.25;
constexpr double kLeastCell = 8.0;
/// Cells of a belt of plates: none touches the next.
constexpr double kPlateCell = 0.42;
constexpr std::array<float, 3> kPlateBelt{44, 50, 58};
/// Plates lie within this distance of the middle of their lane, less where the lane is narrow.
constexpr double kPlateShift = 0.15;
/// The reach of a bent plate, in units.
constexpr double kPlateReach = 0.172;
/// Larger than the reach of any part, in units.
constexpr double kMargin = 0.3;

uint64_t CellSeed(const ConveyorScene& scene, int64_t column, int lane) {
  Random random((static_cast<uint64_t>(scene.seed) << 32) ^ static_cast<uint64_t>(column) * 0x9e3779b97f4a7c15ULL ^
                static_cast<uint64_t>(lane) * 0xc2b2ae3d27d4eb4fULL);
  return random.NextBits();
}

struct Placed {
  Part part;
  /// Height in the pile.
  double level;
};

std::vector<Part> PlatesInView(const ConveyorScene& scene, double offset) {
  const double cell = std::max(kPlateCell * static_cast<double>(scene.unit), kLeastCell);
  const double margin = kMargin * static_cast<double>(scene.unit);
  const double lane_height = static_cast<double>(scene.belt_bottom - scene.belt_top) / scene.lanes;
  const double unit = scene.unit;
  const double shift = std::clamp(lane_height / 2.0 - kPlateReach * unit, 0.0, kPlateShift * unit);
  std::vector<Part> parts;
  const auto first = static_cast<int64_t>(std::floor((offset - scene.width - margin) / cell));
  const auto last = static_cast<int64_t>(std::floor((offset + margin) / cell));
  for (int64_t column = first; column <= last; ++column) {
    for (int lane = 0; lane < scene.lanes; ++lane) {
      Random random(CellSeed(scene, column, lane));
      // Now and then a gap.
      if (random.Next() < 0.1) continue;
      const double x = offset - (static_cast<double>(column) + random.Between(0.42, 0.58)) * cell;
      const double y = scene.belt_top + (lane + 0.5) * lane_height + random.Between(-1.0, 1.0) * shift;
      Part part = MakeProduct(random, scene.unit);
      part.id = column * scene.lanes + lane;
      part.x = static_cast<float>(x);
      part.y = static_cast<float>(y);
      parts.push_back(part);
    }
  }
  return parts;
}

}  // namespace

ConveyorScene MakeScene(const ConveyorOptions& options, int width, int height) {
  Random random(static_cast<uint64_t>(options.seed) * 0x9e3779b97f4a7c15ULL + 0x5851f42d4c957f2dULL);
  ConveyorScene scene;
  scene.seed = options.seed;
  scene.width = width;
  scene.height = height;
  scene.unit = static_cast<float>(std::min(options.width, options.height));
  const double rail = random.Between(0.05, 0.1);
  scene.belt_top = static_cast<int>(std::lround(height * rail));
  scene.belt_bottom = height - scene.belt_top;
  const double unit = scene.unit;
  scene.speed = unit * random.Between(0.14, 0.26);
  const double exposure = std::min(random.Between(1.0 / 500.0, 1.0 / 45.0), 1.0 / options.fps);
  scene.blur = static_cast<float>(scene.speed * exposure);
  scene.density = random.Between(0.6, 0.95);
  const auto& belt = kBelts[static_cast<size_t>(random.Below(static_cast<int>(kBelts.size())))];
  const double belt_brightness = random.Between(0.75, 1.2);
  for (size_t c = 0; c < 3; ++c) {
    scene.belt_color[c] = static_cast<float>(belt[c] * belt_brightness * random.Between(0.95, 1.05));
    scene.rail_color[c] = static_cast<float>(random.Between(0.97, 1.03) * 150.0 * belt_brightness);
    scene.light_color[c] = static_cast<float>(random.Between(0.94, 1.06));
  }
  scene.belt_grain = static_cast<float>(random.Between(3.0, 9.0));
  const double angle = random.Between(0.0, 6.283185307179586);
  scene.light_x = static_cast<float>(std::cos(angle));
  scene.light_y = static_cast<float>(std::sin(angle));
  scene.shadow_length = static_cast<float>(unit * random.Between(0.004, 0.016));
  scene.shadow_strength = static_cast<float>(random.Between(0.3, 0.6));
  scene.lamp_x = static_cast<float>(random.Between(0.42, 0.58));
  scene.lamp_y = static_cast<float>(random.Between(0.42, 0.58));
  scene.lamp_strength = static_cast<float>(random.Between(0.15, 0.5));
  scene.ambient = static_cast<float>(random.Between(0.75, 1.0));
  scene.noise = static_cast<float>(random.Between(1.0, 5.0));
  scene.plates = options.plates;
  scene.lanes = options.lanes;
  if (options.plates) scene.belt_color = kPlateBelt;
  return scene;
}

double BeltOffset(const ConveyorScene& scene, int index, double fps) {
  return scene.width + kMargin * static_cast<double>(scene.unit) + scene.speed * index / fps;
}

std::vector<Part> PartsInView(const ConveyorScene& scene, double offset) {
  if (scene.plates) return PlatesInView(scene, offset);
  const double cell = std::max(kCell * static_cast<double>(scene.unit), kLeastCell);
  const double margin = kMargin * static_cast<double>(scene.unit);
  const int belt = scene.belt_bottom - scene.belt_top;
  const int lanes = std::max(1, static_cast<int>(belt / (1.05 * cell)));
  const double lane_height = static_cast<double>(belt) / lanes;
  const auto first = static_cast<int64_t>(std::floor((offset - scene.width - margin) / cell));
  const auto last = static_cast<int64_t>(std::floor((offset + margin) / cell));
  std::vector<Placed> placed;
  for (int64_t column = first; column <= last; ++column) {
    for (int lane = 0; lane < lanes; ++lane) {
      Random random(CellSeed(scene, column, lane));
      if (random.Next() >= scene.density) continue;
      const double x = offset - (static_cast<double>(column) + random.Between(0.2, 0.8)) * cell;
      const double y = scene.belt_top + (lane + random.Between(0.3, 0.7)) * lane_height;
      const int count = random.Next() < 0.3 ? 2 : 1;
      for (int i = 0; i < count; ++i) {
        Part part = MakePart(random, scene.unit);
        part.id = (column * lanes + lane) * 2 + i;
        // The second lies beside the first, half on top of it or half below.
        const double away = i == 0 ? 0.0 : static_cast<double>(part.reach) * random.Between(0.7, 1.4);
        const double angle = random.Between(0.0, 6.283185307179586);
        part.x = static_cast<float>(x + away * std::cos(angle));
        const double reach = std::min(static_cast<double>(part.reach), belt / 2.0);
        part.y = static_cast<float>(
            std::clamp(y + away * std::sin(angle), scene.belt_top + reach, scene.belt_bottom - reach));
        placed.push_back({part, random.Next()});
      }
    }
  }
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return a.level != b.level ? a.level < b.level : a.part.id < b.part.id;
  });
  std::vector<Part> parts;
  parts.reserve(placed.size());
  for (const Placed& item : placed) parts.push_back(item.part);
  return parts;
}

}  // namespace fastsamd
