#include "scenes/conveyor_parts.h"

#include <algorithm>
#include <cmath>

namespace fastsamd {
namespace {

constexpr double kTau = 6.283185307179586;

struct Material {
  std::array<float, 3> color;
  float specular;
  float brushing;
};

// Steel twice: most parts of a real belt are bare metal.
constexpr std::array<Material, 10> kMaterials{{{{168, 172, 178}, 0.55f, 0.07f},
                                               {{140, 143, 148}, 0.45f, 0.09f},
                                               {{188, 186, 176}, 0.60f, 0.05f},
                                               {{192, 158, 84}, 0.50f, 0.06f},
                                               {{176, 106, 72}, 0.45f, 0.06f},
                                               {{54, 54, 58}, 0.30f, 0.04f},
                                               {{172, 52, 44}, 0.25f, 0.02f},
                                               {{48, 92, 160}, 0.25f, 0.02f},
                                               {{214, 168, 44}, 0.25f, 0.02f},
                                               {{214, 214, 206}, 0.20f, 0.02f}}};

Finish RandomFinish(Random& random) {
  const Material& material = kMaterials[static_cast<size_t>(random.Below(static_cast<int>(kMaterials.size())))];
  Finish finish;
  const double brightness = random.Between(0.82, 1.15);
  for (size_t c = 0; c < 3; ++c) {
    finish.color[c] = static_cast<float>(material.color[c] * brightness * random.Between(0.96, 1.04));
  }
  finish.specular = material.specular * static_cast<float>(random.Between(0.6, 1.2));
  finish.brushing = material.brushing * static_cast<float>(random.Between(0.4, 1.3));
  return finish;
}

void AddSolid(Part& part, SolidKind kind, double x, double y, double half_width, double half_height, double radius) {
  part.solids[static_cast<size_t>(part.solid_count++)] = {kind,
                                                          static_cast<float>(x),
                                                          static_cast<float>(y),
                                                          static_cast<float>(half_width),
                                                          static_cast<float>(half_height),
                                                          static_cast<float>(radius)};
}

void AddHole(Part& part, double x, double y, double radius) {
  part.holes[static_cast<size_t>(part.hole_count++)] = {static_cast<float>(x), static_cast<float>(y),
                                                        static_cast<float>(radius)};
}

void MakeWasher(Part& part, Random& random, double unit) {
  const double radius = unit * random.Between(0.05, 0.105);
  AddSolid(part, SolidKind::kDisc, 0, 0, 0, 0, radius);
  AddHole(part, 0, 0, radius * random.Between(0.36, 0.54));
  part.finish.turned = true;
  part.reach = static_cast<float>(radius);
}

void MakeNut(Part& part, Random& random, double unit) {
  const double radius = unit * random.Between(0.045, 0.088);
  AddSolid(part, SolidKind::kHexagon, 0, 0, 0, 0, radius);
  AddHole(part, 0, 0, radius * random.Between(0.48, 0.6));
  part.reach = static_cast<float>(radius * 1.16);
}

void MakeBracket(Part& part, Random& random, double unit) {
  const double along = unit * random.Between(0.075, 0.13);
  const double across = along * random.Between(0.75, 1.0);
  const double half = unit * random.Between(0.026, 0.042);
  const double corner = unit * 0.008;
  // The two arms share the corner at (-along + half, -across + half).
  AddSolid(part, SolidKind::kBox, 0, -across + half, along, half, corner);
  AddSolid(part, SolidKind::kBox, -along + half, 0, half, across, corner);
  const double hole = half * random.Between(0.36, 0.5);
  AddHole(part, along - 1.3 * half, -across + half, hole);
  AddHole(part, -along + half, across - 1.3 * half, hole);
  if (random.Next() < 0.5) AddHole(part, -along + half, -across + half, hole);
  part.reach = static_cast<float>(std::hypot(along, across));
}

void MakeBolt(Part& part, Random& random, double unit) {
  const double half_length = unit * random.Between(0.065, 0.125);
  const double half_head = unit * random.Between(0.034, 0.05);
  const double half_thick = half_head * random.Between(0.45, 0.65);
  const double half_shaft = half_head * random.Between(0.45, 0.6);
  AddSolid(part, SolidKind::kBox, -half_length + half_thick, 0, half_thick, half_head, unit * 0.006);
  AddSolid(part, SolidKind::kBox, half_thick, 0, half_length - half_thick, half_shaft, half_shaft * 0.3);
  part.bevel = static_cast<float>(half_shaft);
  part.thread_pitch = static_cast<float>(half_shaft * random.Between(0.35, 0.5));
  part.thread_begin = static_cast<float>(-half_length + 2.0 * half_thick + half_length * random.Between(0.1, 0.7));
  part.reach = static_cast<float>(std::hypot(half_length, half_head));
}

void MakePlate(Part& part, Random& random, double unit) {
  const double half_width = unit * random.Between(0.07, 0.14);
  const double half_height = half_width * random.Between(0.45, 0.8);
  AddSolid(part, SolidKind::kBox, 0, 0, half_width, half_height, unit * random.Between(0.006, 0.03));
  const double hole = half_height * random.Between(0.14, 0.24);
  const double x = half_width - 1.9 * hole;
  const double y = half_height - 1.9 * hole;
  if (random.Next() < 0.6) {
    for (const double sign_x : {-1.0, 1.0}) {
      for (const double sign_y : {-1.0, 1.0}) AddHole(part, sign_x * x, sign_y * y, hole);
    }
  } else {
    AddHole(part, -x, 0, hole * 1.4);
    AddHole(part, x, 0, hole * 1.4);
  }
  part.reach = static_cast<float>(std::hypot(half_width, half_height));
}

void AddDefect(Part& part, Random& random) {
  const bool can_bend = part.kind == PartClass::kBolt || part.kind == PartClass::kPlate;
  const int choice = random.Below(3);
  if (choice == 0 && part.hole_count > 0) {
    part.defect = PartDefect::kMissingHole;
    part.hole_count -= 1;
  } else if (choice == 1 && can_bend) {
    part.defect = PartDefect::kBent;
    // The ends are off by a tenth to a quarter of the half length.
    const double sign = random.Next() < 0.5 ? -1.0 : 1.0;
    part.bend = static_cast<float>(sign * random.Between(0.13, 0.26) / part.reach);
    part.reach *= 1.25f;
  } else {
    part.defect = PartDefect::kScratch;
    const double angle = random.Between(0.0, kTau);
    const double length = part.reach * random.Between(0.5, 0.9);
    const double shift = part.reach * random.Between(-0.25, 0.25);
    const double dx = std::cos(angle);
    const double dy = std::sin(angle);
    part.scratch = {static_cast<float>(-dx * length - dy * shift), static_cast<float>(-dy * length + dx * shift),
                    static_cast<float>(dx * length - dy * shift), static_cast<float>(dy * length + dx * shift)};
  }
}

/// Defect, angle and texture.
void Finalize(Part& part, Random& random) {
  if (random.Next() < 0.18) AddDefect(part, random);
  const double angle = random.Between(0.0, kTau);
  part.cosine = static_cast<float>(std::cos(angle));
  part.sine = static_cast<float>(std::sin(angle));
  part.texture_seed = static_cast<uint32_t>(random.NextBits());
}

inline float BoxDistance(float x, float y, Solid box) {
  const float qx = std::fabs(x - box.x) - box.half_width + box.radius;
  const float qy = std::fabs(y - box.y) - box.half_height + box.radius;
  const float ox = std::max(qx, 0.0f);
  const float oy = std::max(qy, 0.0f);
  return std::min(std::max(qx, qy), 0.0f) + std::sqrt(ox * ox + oy * oy) - box.radius;
}

/// The exact distance of a hexagon by two reflections (after I. Quilez, "2D distance functions").
inline float HexagonDistance(float x, float y, Solid hexagon) {
  constexpr float kX = -0.8660254f;
  constexpr float kY = 0.5f;
  constexpr float kSide = 0.57735027f;
  float px = std::fabs(x - hexagon.x);
  float py = std::fabs(y - hexagon.y);
  const float fold = 2.0f * std::min(kX * px + kY * py, 0.0f);
  px -= fold * kX;
  py -= fold * kY;
  px -= std::min(std::max(px, -kSide * hexagon.radius), kSide * hexagon.radius);
  py -= hexagon.radius;
  const float distance = std::sqrt(px * px + py * py);
  return py < 0.0f ? -distance : distance;
}

inline float DiscDistance(float x, float y, float cx, float cy, float radius) {
  const float dx = x - cx;
  const float dy = y - cy;
  return std::sqrt(dx * dx + dy * dy) - radius;
}

/// distances[i] = distance(distances[i], x, y) along a row of the picture, x and y in the part's coordinates. What the
/// loop reads is copied first: it could lie in `distances`, as far as a compiler knows.
template <class Distance>
inline void AlongRow(const Part& part, int x, int y, int count, float* distances, const Distance distance) {
  const float cosine = part.cosine;
  const float sine = part.sine;
  const float bend = part.bend;
  const float dx = static_cast<float>(x) + 0.5f - part.x;
  const float dy = static_cast<float>(y) + 0.5f - part.y;
  const float x0 = cosine * dx + sine * dy;
  const float y0 = cosine * dy - sine * dx;
  for (int i = 0; i < count; ++i) {
    const float step = static_cast<float>(i);
    const float px = x0 + cosine * step;
    const float py = y0 - sine * step;
    distances[i] = distance(distances[i], px, py + bend * px * px);
  }
}

}  // namespace

Part MakePart(Random& random, float unit) {
  Part part;
  part.kind = static_cast<PartClass>(random.Below(5));
  part.finish = RandomFinish(random);
  part.bevel = unit * static_cast<float>(random.Between(0.004, 0.009));
  switch (part.kind) {
    case PartClass::kWasher:
      MakeWasher(part, random, unit);
      break;
    case PartClass::kNut:
      MakeNut(part, random, unit);
      break;
    case PartClass::kBracket:
      MakeBracket(part, random, unit);
      break;
    case PartClass::kBolt:
      MakeBolt(part, random, unit);
      break;
    case PartClass::kPlate:
      MakePlate(part, random, unit);
      break;
  }
  Finalize(part, random);
  return part;
}

Part MakeProduct(Random& random, float unit) {
  Part part;
  part.kind = PartClass::kPlate;
  part.bevel = unit * 0.006f;
  part.finish = {{188, 186, 176}, 0.4f, 0.05f, false};
  const double half_width = unit * 0.115;
  const double half_height = unit * 0.075;
  AddSolid(part, SolidKind::kBox, 0, 0, half_width, half_height, unit * 0.012);
  AddHole(part, unit * -0.07, 0, unit * 0.026);
  AddHole(part, unit * 0.07, 0, unit * 0.026);
  part.reach = static_cast<float>(std::hypot(half_width, half_height));
  Finalize(part, random);
  return part;
}

void PartDistances(const Part& part, int x, int y, int count, float* distances) {
  std::fill(distances, distances + count, 1e9f);
  for (int s = 0; s < part.solid_count; ++s) {
    const Solid solid = part.solids[static_cast<size_t>(s)];
    switch (solid.kind) {
      case SolidKind::kBox:
        AlongRow(part, x, y, count, distances,
                 [=](float before, float px, float py) { return std::min(before, BoxDistance(px, py, solid)); });
        break;
      case SolidKind::kHexagon:
        AlongRow(part, x, y, count, distances,
                 [=](float before, float px, float py) { return std::min(before, HexagonDistance(px, py, solid)); });
        break;
      case SolidKind::kDisc:
        AlongRow(part, x, y, count, distances, [=](float before, float px, float py) {
          return std::min(before, DiscDistance(px, py, solid.x, solid.y, solid.radius));
        });
        break;
    }
  }
  for (int h = 0; h < part.hole_count; ++h) {
    const Hole hole = part.holes[static_cast<size_t>(h)];
    AlongRow(part, x, y, count, distances, [=](float before, float px, float py) {
      return std::max(before, -DiscDistance(px, py, hole.x, hole.y, hole.radius));
    });
  }
}

double PartArea(const Part& part) {
  constexpr int kSamples = 32;
  // Shrinks the part until its reach spans the sample grid, and counts.
  Part small = part;
  const float scale = (kSamples / 2) / std::max(part.reach, 1e-6f);
  small.x = small.y = kSamples / 2;
  small.bend = part.bend / scale;
  for (Solid& solid : small.solids) {
    for (float* length : {&solid.x, &solid.y, &solid.half_width, &solid.half_height, &solid.radius}) *length *= scale;
  }
  for (Hole& hole : small.holes) {
    for (float* length : {&hole.x, &hole.y, &hole.radius}) *length *= scale;
  }
  int inside = 0;
  std::array<float, kSamples> row{};
  for (int y = 0; y < kSamples; ++y) {
    PartDistances(small, 0, y, kSamples, row.data());
    inside += static_cast<int>(std::count_if(row.begin(), row.end(), [](float distance) { return distance < 0.0f; }));
  }
  return static_cast<double>(inside) / (static_cast<double>(scale) * static_cast<double>(scale));
}

}  // namespace fastsamd
