#include "core/edges.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/candidates.h"
#include "core/logit_runs.h"
#include "core/objects.h"

namespace fastsamd {
namespace {

constexpr float kPi = 3.14159265358979323846F;

/// Probabilities of one object at the pixels of its box.
class Probabilities {
 public:
  Probabilities(const RawOutputs& outputs, const Geometry& geometry)
      : outputs_(outputs),
        proto_width_(static_cast<size_t>(geometry.input_width) / 4),
        proto_height_(static_cast<size_t>(geometry.input_height) / 4),
        columns_(MakeProtoAxis(geometry.frame_width, geometry.content_width, geometry.left)),
        rows_(MakeProtoAxis(geometry.frame_height, geometry.content_height, geometry.top)) {}

  /// Row-major over `rect`.
  const std::vector<float>& Compute(int32_t anchor, const PixelRect& rect) {
    const int column = columns_.low[rect.x0];
    const int row = rows_.low[rect.y0];
    const int columns = std::min(columns_.low[rect.x1 - 1] + 1, columns_.last) - column + 1;
    const int rows = std::min(rows_.low[rect.y1 - 1] + 1, rows_.last) - row + 1;
    logits_.assign(static_cast<size_t>(columns) * rows, 0);
    const size_t anchors = static_cast<size_t>(outputs_.anchors);
    const float* coefficient =
        outputs_.detections + (4 + static_cast<size_t>(outputs_.classes)) * anchors + static_cast<size_t>(anchor);
    for (int k = 0; k < kMaskChannels; ++k) {
      const float weight = coefficient[k * anchors];
      const float* plane = outputs_.proto + static_cast<size_t>(k) * proto_width_ * proto_height_;
      for (int r = 0; r < rows; ++r) {
        const float* from = plane + (static_cast<size_t>(row) + r) * proto_width_ + column;
        float* to = logits_.data() + static_cast<size_t>(r) * columns;
        for (int c = 0; c < columns; ++c) to[c] += weight * from[c];
      }
    }
    const int width = rect.x1 - rect.x0;
    values_.resize(static_cast<size_t>(width) * (rect.y1 - rect.y0));
    for (int y = rect.y0; y < rect.y1; ++y) {
      const int r0 = rows_.low[y] - row;
      const int r1 = std::min(r0 + 1, rows - 1);
      for (int x = rect.x0; x < rect.x1; ++x) {
        const int c0 = columns_.low[x] - column;
        const int c1 = std::min(c0 + 1, columns - 1);
        const auto at = [&](int r) {
          const float* cells = logits_.data() + static_cast<size_t>(r) * columns;
          return cells[c0] + columns_.fraction[x] * (cells[c1] - cells[c0]);
        };
        const float logit = at(r0) + rows_.fraction[y] * (at(r1) - at(r0));
        values_[static_cast<size_t>(y - rect.y0) * width + (x - rect.x0)] = 1 / (1 + std::exp(-logit));
      }
    }
    return values_;
  }

 private:
  const RawOutputs& outputs_;
  size_t proto_width_;
  size_t proto_height_;
  ProtoAxis columns_;
  ProtoAxis rows_;
  std::vector<float> logits_;
  std::vector<float> values_;
};

/// Sobel gradient of a patch; beyond its sides the nearest pixel counts, so that a side is no edge.
struct Gradient {
  float magnitude;
  /// Whether the 3 x 3 neighbourhood holds pixels inside and outside of the mask.
  bool boundary;
};

Gradient SobelAt(const std::vector<float>& values, int width, int height, int x, int y) {
  std::array<float, 9> v;
  int inside = 0;
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) {
      const int nx = std::clamp(x + dx, 0, width - 1);
      const int ny = std::clamp(y + dy, 0, height - 1);
      const float value = values[static_cast<size_t>(ny) * width + nx];
      v[(dy + 1) * 3 + dx + 1] = value;
      inside += value > 0.5F ? 1 : 0;
    }
  }
  const float gx = v[2] + 2 * v[5] + v[8] - v[0] - 2 * v[3] - v[6];
  const float gy = v[6] + 2 * v[7] + v[8] - v[0] - 2 * v[1] - v[2];
  return {std::sqrt(gx * gx + gy * gy), inside > 0 && inside < 9};
}

/// Triangle filter of radius `r` along both axes; the picture is mirrored at its sides.
std::vector<float> Smooth(const std::vector<float>& map, int width, int height, int r) {
  const auto pass = [r](const std::vector<float>& from, int length, int lines, size_t step, size_t line_step) {
    std::vector<float> to(from.size());
    const float total = static_cast<float>((r + 1) * (r + 1));
    for (int line = 0; line < lines; ++line) {
      const float* source = from.data() + line * line_step;
      float* target = to.data() + line * line_step;
      for (int i = 0; i < length; ++i) {
        float sum = 0;
        for (int k = -r; k <= r; ++k) {
          int at = i + k;
          if (at < 0) at = -1 - at;
          if (at >= length) at = 2 * length - 1 - at;
          sum += static_cast<float>(r + 1 - std::abs(k)) * source[std::clamp(at, 0, length - 1) * step];
        }
        target[i * step] = sum / total;
      }
    }
    return to;
  };
  const std::vector<float> rows = pass(map, width, height, 1, static_cast<size_t>(width));
  return pass(rows, height, width, static_cast<size_t>(width), 1);
}

/// Central differences along one axis, one-sided at its ends.
std::vector<float> Difference(const std::vector<float>& map, int width, int height, bool along_x) {
  std::vector<float> out(map.size());
  const int length = along_x ? width : height;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int i = along_x ? x : y;
      const int before = std::max(i - 1, 0);
      const int after = std::min(i + 1, length - 1);
      const auto at = [&](int k) { return along_x ? map[y * width + k] : map[k * width + x]; };
      out[y * width + x] = after == before ? 0 : (at(after) - at(before)) / static_cast<float>(after - before);
    }
  }
  return out;
}

float Sample(const std::vector<float>& map, int width, int height, float x, float y) {
  x = std::clamp(x, 0.F, static_cast<float>(width) - 1.001F);
  y = std::clamp(y, 0.F, static_cast<float>(height) - 1.001F);
  const int x0 = std::max(static_cast<int>(x), 0);
  const int y0 = std::max(static_cast<int>(y), 0);
  const int x1 = std::min(x0 + 1, width - 1);
  const int y1 = std::min(y0 + 1, height - 1);
  const float fx = std::max(x - static_cast<float>(x0), 0.F);
  const float fy = std::max(y - static_cast<float>(y0), 0.F);
  const auto at = [&](int u, int v) { return map[static_cast<size_t>(v) * width + u]; };
  return (at(x0, y0) * (1 - fx) + at(x1, y0) * fx) * (1 - fy) + (at(x0, y1) * (1 - fx) + at(x1, y1) * fx) * fy;
}

}  // namespace

Result<std::vector<uint8_t>> EdgeMap(const RawOutputs& outputs, const Geometry& geometry, const DecodeOptions& options,
                                     const EdgeOptions& edges) {
  if (Status valid = Validate(geometry); !valid.ok()) return valid.error();
  if (Status valid = Validate(options); !valid.ok()) return valid.error();
  if (Status valid = Validate(outputs, geometry); !valid.ok()) return valid.error();
  const int width = geometry.frame_width;
  std::vector<float> map(static_cast<size_t>(width) * geometry.frame_height);
  Probabilities probabilities(outputs, geometry);
  for (const DetectedObject& object : FindObjects(SelectCandidates(outputs, options.conf), geometry, options)) {
    const PixelRect& rect = object.pixels;
    if (rect.x0 >= rect.x1 || rect.y0 >= rect.y1) continue;
    const std::vector<float>& values = probabilities.Compute(object.anchor, rect);
    const int w = rect.x1 - rect.x0;
    const int h = rect.y1 - rect.y0;
    const float weight = edges.by_score ? object.score : 1;
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const Gradient gradient = SobelAt(values, w, h, x, y);
        if (edges.boundary_only && !gradient.boundary) continue;
        float& pixel = map[static_cast<size_t>(rect.y0 + y) * width + rect.x0 + x];
        pixel = std::max(pixel, weight * gradient.magnitude);
      }
    }
  }
  const float highest = map.empty() ? 0 : *std::max_element(map.begin(), map.end());
  std::vector<uint8_t> levels(map.size());
  if (!(highest > 0)) return levels;
  for (size_t i = 0; i < map.size(); ++i) levels[i] = static_cast<uint8_t>(std::lround(255 * map[i] / highest));
  return levels;
}

std::vector<uint8_t> EdgeCrests(const std::vector<uint8_t>& map, int width, int height) {
  std::vector<float> values(map.size());
  std::transform(map.begin(), map.end(), values.begin(), [](uint8_t level) { return static_cast<float>(level) / 255; });
  values = Smooth(values, width, height, 1);
  const std::vector<float> smooth = Smooth(values, width, height, 4);
  const std::vector<float> dx = Difference(smooth, width, height, true);
  const std::vector<float> dy = Difference(smooth, width, height, false);
  const std::vector<float> dxx = Difference(dx, width, height, true);
  const std::vector<float> dxy = Difference(dx, width, height, false);
  const std::vector<float> dyy = Difference(dy, width, height, false);
  constexpr float kFactor = 1.01F;
  constexpr int kRamp = 5;
  const int ramp = std::min({kRamp, width / 2, height / 2});
  std::vector<uint8_t> out(map.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const size_t at = static_cast<size_t>(y) * width + x;
      const float value = values[at];
      if (value == 0) continue;
      const float sign = dxy[at] > 0 ? -1.F : dxy[at] < 0 ? 1.F : 0.F;
      float angle = std::fmod(std::atan(dyy[at] * sign / (dxx[at] + 1e-5F)), kPi);
      if (angle < 0) angle += kPi;
      const float cosine = std::cos(angle);
      const float sine = std::sin(angle);
      const float own = value * kFactor;
      const float fx = static_cast<float>(x);
      const float fy = static_cast<float>(y);
      if (own < Sample(values, width, height, fx + cosine, fy + sine)) continue;
      if (own < Sample(values, width, height, fx - cosine, fy - sine)) continue;
      const int border = std::min({x, y, width - 1 - x, height - 1 - y});
      const float faded = border < ramp ? value * static_cast<float>(border) / static_cast<float>(ramp) : value;
      out[at] = static_cast<uint8_t>(std::lround(255 * std::min(faded, 1.F)));
    }
  }
  return out;
}

}  // namespace fastsamd
