#include "scenes/conveyor_paint.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"

namespace fastsamd {
namespace {

constexpr float kSeamDistance = 1.7f;
constexpr std::array<float, 3> kMarkColor{226, 184, 40};

float HashToSigned(uint32_t hash) {
  return static_cast<float>(static_cast<int32_t>(hash)) * static_cast<float>(0x1.0p-31);
}

/// A groove with a lit edge wherever two pieces of the belt meet.
void AddSeams(const ConveyorScene& scene, double offset, int width, float* grain) {
  const float distance = kSeamDistance * scene.unit;
  const float half = std::max(1.0f, scene.unit * 0.003f);
  for (auto x = static_cast<float>(std::fmod(offset, distance)); x < static_cast<float>(width) + half; x += distance) {
    const int begin = std::max(0, static_cast<int>(std::ceil(x - 2.0f * half)));
    const int end = std::min(width, static_cast<int>(std::ceil(x + 2.0f * half)));
    for (int i = begin; i < end; ++i) {
      const float away = (static_cast<float>(i) - x) / half;
      grain[i] -= scene.belt_grain * 2.5f * std::max(0.0f, 1.0f - std::fabs(away - 0.4f));
      grain[i] += scene.belt_grain * 1.2f * std::max(0.0f, 1.0f - std::fabs(away + 1.0f));
    }
  }
}

}  // namespace

void DrawBelt(const ConveyorScene& scene, double offset, Band& band, std::vector<float>& scratch) {
  const int width = band.width;
  scratch.resize(2 * static_cast<size_t>(width) + 4);
  float* grain = scratch.data();
  float* lattice = grain + width + 1;
  const double whole = std::floor(offset);
  const auto fraction = static_cast<float>(offset - whole);
  // Belt coordinates grow to the left: the picture's column x shows belt pixel x - offset.
  const auto origin = static_cast<uint32_t>(-static_cast<int64_t>(whole));
  const float coarse = std::max(2.0f, scene.unit / 40.0f);
  for (int y = std::max(band.y0, scene.belt_top); y < std::min(band.y1, scene.belt_bottom); ++y) {
    const auto uy = static_cast<uint32_t>(y);
    for (int x = 0; x <= width; ++x) {
      lattice[x] = HashToSigned(HashLattice(origin + static_cast<uint32_t>(x) - 1, uy, scene.seed));
    }
    for (int x = 0; x < width; ++x) {
      grain[x] = scene.belt_grain * (lattice[x + 1] + (lattice[x] - lattice[x + 1]) * fraction);
    }
    // Streaks: long along the belt, short across.
    const auto streak = static_cast<uint32_t>(static_cast<float>(y) * 4.0f / coarse);
    const float level = 0.5f * scene.belt_grain * HashToSigned(HashLattice(streak, 7, scene.seed));
    const double start = (-offset) / static_cast<double>(coarse);
    const auto row = static_cast<uint32_t>(static_cast<float>(y) / coarse);
    auto cell = static_cast<int64_t>(std::floor(start));
    double along = start - static_cast<double>(cell);
    const double step = 1.0 / static_cast<double>(coarse);
    float left = HashToSigned(HashLattice(static_cast<uint32_t>(cell), row, ~scene.seed));
    float right = HashToSigned(HashLattice(static_cast<uint32_t>(cell + 1), row, ~scene.seed));
    for (int x = 0; x < width; ++x) {
      grain[x] += level + 0.35f * scene.belt_grain * (left + (right - left) * static_cast<float>(along));
      along += step;
      if (along >= 1.0) {
        along -= 1.0;
        ++cell;
        left = right;
        right = HashToSigned(HashLattice(static_cast<uint32_t>(cell + 1), row, ~scene.seed));
      }
    }
    AddSeams(scene, offset, width, grain);
    for (size_t c = 0; c < 3; ++c) {
      float* out = band.Row(c, y);
      for (int x = 0; x < width; ++x) out[x] = scene.belt_color[c] + grain[x];
    }
  }
}

void DrawShadow(const ConveyorScene& scene, const Part& part, Band& band, std::vector<float>& scratch) {
  const float soft = std::max(1.0f, scene.shadow_length);
  const float reach = part.reach + soft;
  Part cast = part;
  cast.x -= scene.light_x * scene.shadow_length;
  cast.y -= scene.light_y * scene.shadow_length;
  const int x0 = std::max(0, static_cast<int>(std::floor(cast.x - reach)));
  const int x1 = std::min(band.width, static_cast<int>(std::ceil(cast.x + reach)) + 1);
  const int y0 = std::max(band.y0, static_cast<int>(std::floor(cast.y - reach)));
  const int y1 = std::min(band.y1, static_cast<int>(std::ceil(cast.y + reach)) + 1);
  if (x0 >= x1) return;
  scratch.resize(static_cast<size_t>(x1 - x0));
  for (int y = y0; y < y1; ++y) {
    PartDistances(cast, x0, y, x1 - x0, scratch.data());
    for (float& distance : scratch) {
      const float depth = std::min(std::max((soft - distance) / (2.0f * soft), 0.0f), 1.0f);
      distance = 1.0f - scene.shadow_strength * depth * depth * (3.0f - 2.0f * depth);
    }
    for (size_t c = 0; c < 3; ++c) {
      float* out = band.Row(c, y) + x0;
      for (size_t i = 0; i < scratch.size(); ++i) out[i] *= scratch[i];
    }
  }
}

namespace {

/// Marks of brushing or turning, between -1 and 1, continuous along the marks.
float SurfaceMarks(const Part& part, float along, float across, float scale) {
  const float line = (part.finish.turned ? std::sqrt(along * along + across * across) : across) / scale;
  const float cell = std::floor(line);
  const auto index = static_cast<uint32_t>(static_cast<int32_t>(cell));
  const float a = HashToSigned(HashLattice(index, 1, part.texture_seed));
  const float b = HashToSigned(HashLattice(index + 1, 1, part.texture_seed));
  return a + (b - a) * (line - cell);
}

float SegmentDistance(float x, float y, const std::array<float, 4>& ends) {
  const float dx = ends[2] - ends[0];
  const float dy = ends[3] - ends[1];
  const float px = x - ends[0];
  const float py = y - ends[1];
  const float along = std::min(std::max((px * dx + py * dy) / (dx * dx + dy * dy), 0.0f), 1.0f);
  const float ox = px - along * dx;
  const float oy = py - along * dy;
  return std::sqrt(ox * ox + oy * oy);
}

/// How bright the surface is at a point of the part's own coordinates, and how much of a highlight it has.
struct Shade {
  float diffuse;
  float highlight;
};

Shade ShadeAt(const ConveyorScene& scene, const Part& part, float px, float py, float depth, float slope_x,
              float slope_y) {
  // Round at the edge, flat inside: the edge's slope outwards fades with the depth.
  float tilt = std::max(0.0f, 1.0f - depth / part.bevel);
  tilt *= 0.85f * tilt;
  float diffuse = 0.88f + 0.6f * tilt * (slope_x * scene.light_x + slope_y * scene.light_y);
  const float sheen =
      (px * part.cosine - py * part.sine) * scene.light_x + (px * part.sine + py * part.cosine) * scene.light_y;
  diffuse += 0.16f * part.finish.specular * sheen / part.reach;
  diffuse += part.finish.brushing * SurfaceMarks(part, px, py, std::max(1.0f, scene.unit / 420.0f));
  if (part.thread_pitch > 0.0f && px > part.thread_begin) {
    const float phase = (px + 0.25f * py) / part.thread_pitch;
    diffuse *= 0.8f + 0.35f * std::fabs(2.0f * (phase - std::floor(phase)) - 1.0f);
  }
  float highlight =
      part.finish.specular * std::max(0.0f, tilt * (slope_x * scene.light_x + slope_y * scene.light_y) - 0.25f);
  if (part.defect == PartDefect::kScratch) {
    const float line = std::max(0.0f, 1.0f - SegmentDistance(px, py, part.scratch) * 220.0f / scene.unit);
    diffuse *= 1.0f - 0.5f * line;
    highlight += 0.35f * line * line;
  }
  return {diffuse, highlight};
}

}  // namespace

void DrawPart(const ConveyorScene& scene, const Part& part, uint16_t label, Band& band, std::vector<float>& scratch) {
  const int x0 = std::max(0, static_cast<int>(std::floor(part.x - part.reach)) - 1);
  const int x1 = std::min(band.width, static_cast<int>(std::ceil(part.x + part.reach)) + 1);
  const int y0 = std::max(band.y0, static_cast<int>(std::floor(part.y - part.reach)) - 1);
  const int y1 = std::min(band.y1, static_cast<int>(std::ceil(part.y + part.reach)) + 1);
  if (x0 >= x1 || y0 >= y1) return;
  // One more on each side, for slopes by central differences.
  const int stride = x1 - x0 + 2;
  scratch.resize(static_cast<size_t>(stride) * 3);
  float* rows[3] = {scratch.data(), scratch.data() + stride, scratch.data() + 2 * stride};
  PartDistances(part, x0 - 1, y0 - 1, stride, rows[0]);
  PartDistances(part, x0 - 1, y0, stride, rows[1]);
  for (int y = y0; y < y1; ++y) {
    PartDistances(part, x0 - 1, y + 1, stride, rows[2]);
    float* out[3] = {band.Row(0, y), band.Row(1, y), band.Row(2, y)};
    uint16_t* labels = band.LabelRow(y);
    const float dy = static_cast<float>(y) + 0.5f - part.y;
    for (int x = x0; x < x1; ++x) {
      const int i = x - x0 + 1;
      const float distance = rows[1][i];
      if (distance >= 0.5f) continue;
      const float coverage = std::min(0.5f - distance, 1.0f);
      const float dx = static_cast<float>(x) + 0.5f - part.x;
      const float px = part.cosine * dx + part.sine * dy;
      const float py = part.cosine * dy - part.sine * dx;
      const Shade shade = ShadeAt(scene, part, px, py + part.bend * px * px, -distance,
                                  0.5f * (rows[1][i + 1] - rows[1][i - 1]), 0.5f * (rows[2][i] - rows[0][i]));
      for (size_t c = 0; c < 3; ++c) {
        const float color = part.finish.color[c] * shade.diffuse + 255.0f * shade.highlight;
        out[c][x] += coverage * (color - out[c][x]);
      }
      if (distance < 0.0f) labels[x] = label;
    }
    std::rotate(rows, rows + 1, rows + 3);
  }
}

namespace {

/// The belt moves along the rows while the shutter is open: a box of `length` > 1 pixels around each pixel.
void BlurRow(float* row, int width, float length, std::vector<float>& scratch) {
  const float half = 0.5f * length;
  const int whole = static_cast<int>(half + 0.5f);
  const float edge = half + 0.5f - static_cast<float>(whole);
  // Whole pixels -whole+1..whole-1, and the share `edge` of the two next to them.
  const float scale = 1.0f / (2.0f * static_cast<float>(whole) - 1.0f + 2.0f * edge);
  scratch.resize(static_cast<size_t>(width + 2 * whole));
  std::fill_n(scratch.begin(), whole, row[0]);
  std::copy_n(row, width, scratch.begin() + whole);
  std::fill_n(scratch.begin() + whole + width, whole, row[width - 1]);
  const float* in = scratch.data();
  for (int x = 0; x < width; ++x) row[x] = edge * (in[x] + in[x + 2 * whole]);
  for (int k = 1; k < 2 * whole; ++k) {
    for (int x = 0; x < width; ++x) row[x] += in[x + k];
  }
  for (int x = 0; x < width; ++x) row[x] *= scale;
}

}  // namespace

void BlurBelt(const ConveyorScene& scene, Band& band, std::vector<float>& scratch) {
  if (scene.blur <= 1.0f) return;
  for (size_t c = 0; c < 3; ++c) {
    for (int y = band.y0; y < band.y1; ++y) BlurRow(band.Row(c, y), band.width, scene.blur, scratch);
  }
}

void DrawRails(const ConveyorScene& scene, Band& band) {
  const float unit = scene.unit;
  const float rail = static_cast<float>(std::max(1, scene.belt_top));
  for (int y = band.y0; y < band.y1; ++y) {
    if (y >= scene.belt_top && y < scene.belt_bottom) {
      // The rails keep some light from the belt beside them.
      const auto away = static_cast<float>(std::min(y - scene.belt_top, scene.belt_bottom - 1 - y));
      const float light = 1.0f - 0.45f * std::max(0.0f, 1.0f - away / (0.03f * unit));
      for (size_t c = 0; c < 3; ++c) {
        float* row = band.Row(c, y);
        for (int x = 0; x < band.width; ++x) row[x] *= light;
      }
      continue;
    }
    const float across =
        (y < scene.belt_top ? static_cast<float>(scene.belt_top - 1 - y) : static_cast<float>(y - scene.belt_bottom)) /
        rail;
    const float ridge =
        0.82f + 0.18f * std::fabs(std::fmod(across * 3.0f, 1.0f) * 2.0f - 1.0f) - (across < 0.12f ? 0.25f : 0.0f);
    const float screw_row = (across - 0.5f) * rail;
    const float screw_radius = std::min(0.018f * unit, 0.2f * rail);
    const float spacing = 0.4f * unit;
    for (int x = 0; x < band.width; ++x) {
      float level =
          ridge + 0.02f * HashToSigned(HashLattice(static_cast<uint32_t>(x), static_cast<uint32_t>(y), scene.seed + 3));
      const float phase = std::fmod(static_cast<float>(x) + 0.5f * spacing, spacing) - 0.5f * spacing;
      const float screw = std::sqrt(phase * phase + screw_row * screw_row) - screw_radius;
      if (screw < 0.0f) level *= std::fabs(phase - screw_row) < 0.3f * screw_radius ? 0.45f : 0.75f;
      const float from_station = std::fabs(static_cast<float>(x) - 0.5f * static_cast<float>(band.width)) / unit;
      const bool mark = from_station > 0.17f && from_station < 0.19f && across < 0.75f;
      for (size_t c = 0; c < 3; ++c) {
        band.Row(c, y)[x] = mark ? kMarkColor[c] * level : scene.rail_color[c] * level;
      }
    }
  }
}

}  // namespace fastsamd
