#include "scene.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace fastsamd::test {
namespace {

constexpr int kEllipseChannels = 5;

int AnchorsOf(const Geometry& geometry) {
  const int pixels = geometry.input_width * geometry.input_height;
  return pixels / 64 + pixels / 256 + pixels / 1024;
}

void FillBlobProto(Scene& scene, std::mt19937& random) {
  const int width = scene.geometry.input_width / 4;
  const int height = scene.geometry.input_height / 4;
  std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
  for (int k = 0; k < kMaskChannels; ++k) {
    const float fx = 0.05F + 0.2F * uniform(random);
    const float fy = 0.05F + 0.2F * uniform(random);
    const float phase = 6.28F * uniform(random);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const float u = static_cast<float>(x) / static_cast<float>(width);
        const float v = static_cast<float>(y) / static_cast<float>(height);
        const float ellipse[kEllipseChannels] = {1.0F, u, v, u * u, v * v};
        scene.proto[static_cast<size_t>((k * height + y) * width + x)] =
            k < kEllipseChannels
                ? ellipse[k]
                : std::sin(fx * static_cast<float>(x) + phase) * std::cos(fy * static_cast<float>(y) + phase);
      }
    }
  }
}

}  // namespace

Scene EmptyScene(const Geometry& geometry, int classes) {
  Scene scene;
  scene.geometry = geometry;
  scene.classes = classes;
  scene.anchors = AnchorsOf(geometry);
  scene.detections.assign(static_cast<size_t>(4 + classes + kMaskChannels) * static_cast<size_t>(scene.anchors), 0.0F);
  scene.proto.assign(static_cast<size_t>(kMaskChannels) * static_cast<size_t>(geometry.input_width / 4) *
                         static_cast<size_t>(geometry.input_height / 4),
                     0.0F);
  return scene;
}

Scene BlobScene(const Geometry& geometry, int objects, double coverage, uint32_t seed) {
  Scene scene = EmptyScene(geometry, 1);
  std::mt19937 random(seed);
  FillBlobProto(scene, random);
  std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
  const float input_width = static_cast<float>(geometry.input_width);
  const float input_height = static_cast<float>(geometry.input_height);
  // Side of a square that an ellipse of the wanted area fills.
  const float side = static_cast<float>(
      std::sqrt(coverage * geometry.content_width * geometry.content_height / (3.14159265358979 / 4.0)));
  for (int i = 0; i < objects; ++i) {
    const int anchor = (i * 83 + 7) % scene.anchors;
    const float aspect = 0.7F + 0.6F * uniform(random);
    const float width = std::min(side * aspect, static_cast<float>(geometry.content_width));
    const float height = std::min(side / aspect, static_cast<float>(geometry.content_height));
    const float x = static_cast<float>(geometry.left) + width / 2 +
                    uniform(random) * (static_cast<float>(geometry.content_width) - width);
    const float y = static_cast<float>(geometry.top) + height / 2 +
                    uniform(random) * (static_cast<float>(geometry.content_height) - height);
    const float box[4] = {x, y, width, height};
    for (int row = 0; row < 4; ++row) scene.At(row, anchor) = box[row];
    scene.At(4, anchor) = 0.5F + 0.49F * uniform(random);
    // 1 - ((u - cx) / a)^2 - ((v - cy) / b)^2 in the proto's normalised coordinates.
    const float cx = x / input_width;
    const float cy = y / input_height;
    const float qa = 4.0F * input_width * input_width / (width * width);
    const float qb = 4.0F * input_height * input_height / (height * height);
    const float ellipse[kEllipseChannels] = {1.0F - cx * cx * qa - cy * cy * qb, 2.0F * cx * qa, 2.0F * cy * qb, -qa,
                                             -qb};
    for (int k = 0; k < kMaskChannels; ++k) {
      scene.At(5 + k, anchor) = k < kEllipseChannels ? ellipse[k] : 0.06F * (uniform(random) - 0.5F);
    }
  }
  return scene;
}

Scene NoiseScene(const Geometry& geometry, int classes, int objects, uint32_t seed) {
  Scene scene = EmptyScene(geometry, classes);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> signed_unit(-1.0F, 1.0F);
  std::uniform_real_distribution<float> unit(0.0F, 1.0F);
  for (float& value : scene.proto) value = signed_unit(random);
  const float width = static_cast<float>(geometry.input_width);
  const float height = static_cast<float>(geometry.input_height);
  for (int i = 0; i < objects; ++i) {
    const int anchor = static_cast<int>(random() % static_cast<unsigned>(scene.anchors));
    const float box[4] = {width * unit(random), height * unit(random), width * unit(random), height * unit(random)};
    for (int row = 0; row < 4; ++row) scene.At(row, anchor) = box[row];
    for (int c = 0; c < classes; ++c) scene.At(4 + c, anchor) = unit(random);
    for (int k = 0; k < kMaskChannels; ++k) scene.At(4 + classes + k, anchor) = signed_unit(random);
  }
  return scene;
}

}  // namespace fastsamd::test
