#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/track.h"

// Films for tests of the tracker: things by their boxes, painted where colours matter.

namespace fastsamd {

constexpr int kWidth = 640;
constexpr int kHeight = 360;
constexpr double kFrameNs = 1e9 / 30.0;

struct Thing {
  double cx;
  double cy;
  double width;
  double height;
  float score = 0.8F;
};

/// Boxes without masks, or with full rectangles as masks.
inline Segments SegmentsOf(const std::vector<Thing>& things, bool masks = true, int width = kWidth,
                           int height = kHeight) {
  Segments segments;
  segments.width = width;
  segments.height = height;
  segments.offsets.push_back(0);
  for (const Thing& thing : things) {
    const auto clip = [](double value, int limit) {
      return static_cast<float>(std::clamp(value, 0.0, static_cast<double>(limit)));
    };
    const float x1 = clip(thing.cx - thing.width / 2, width);
    const float x2 = clip(thing.cx + thing.width / 2, width);
    const float y1 = clip(thing.cy - thing.height / 2, height);
    const float y2 = clip(thing.cy + thing.height / 2, height);
    segments.boxes.insert(segments.boxes.end(), {x1, y1, x2, y2});
    segments.scores.push_back(thing.score);
    segments.classes.push_back(0);
    uint32_t area = 0;
    if (masks) {
      const auto top = static_cast<uint32_t>(y1);
      const auto bottom = static_cast<uint32_t>(y2);
      for (auto x = static_cast<uint32_t>(x1); x < static_cast<uint32_t>(x2) && top < bottom; ++x) {
        const uint32_t column = x * static_cast<uint32_t>(height);
        segments.runs.push_back({column + top, column + bottom});
        area += bottom - top;
      }
    }
    segments.areas.push_back(area);
    segments.offsets.push_back(static_cast<uint32_t>(segments.runs.size()));
  }
  return segments;
}

/// A tracker that is fed frame by frame.
class Film {
 public:
  explicit Film(TrackOptions options = {}) : tracker_(options) {}

  TrackOutput At(double frame, const std::vector<Thing>& things, bool masks = true) {
    return At(frame, SegmentsOf(things, masks));
  }
  TrackOutput At(double frame, Segments segments, std::optional<Affine> motion = std::nullopt) {
    for (size_t i = 0; i < segments.count() && !coefficients.empty(); ++i) {
      segments.coefficients.insert(segments.coefficients.end(), coefficients.begin(), coefficients.end());
    }
    TrackInput input;
    input.segments = &segments;
    input.motion = motion;
    input.model = model;
    input.image = image;
    input.followed = followed;
    input.asked = asked;
    input.time_ns = static_cast<int64_t>(frame * kFrameNs);
    Result<TrackOutput> output = tracker_.Update(input);
    EXPECT_TRUE(output.ok());
    return std::move(output).value();
  }

  /// Of every object.
  std::vector<float> coefficients;
  uint64_t model = 1;
  std::vector<uint32_t> followed;
  std::vector<TrackBox> asked;
  const ImageView* image = nullptr;
  Tracker& tracker() { return tracker_; }

 private:
  Tracker tracker_;
};

/// A grey picture with things painted in one colour each.
class Painted {
 public:
  Painted() : rgb_(static_cast<size_t>(kWidth) * kHeight * 3, 90) {}

  const ImageView* Show(const std::vector<Thing>& things, const std::vector<std::array<uint8_t, 3>>& colours) {
    std::fill(rgb_.begin(), rgb_.end(), uint8_t{90});
    for (size_t i = 0; i < things.size(); ++i) {
      const Thing& thing = things[i];
      for (int y = static_cast<int>(thing.cy - thing.height / 2); y < thing.cy + thing.height / 2; ++y) {
        for (int x = static_cast<int>(thing.cx - thing.width / 2); x < thing.cx + thing.width / 2; ++x) {
          std::copy(colours[i].begin(), colours[i].end(), rgb_.begin() + 3 * (static_cast<ptrdiff_t>(y) * kWidth + x));
        }
      }
    }
    view_.width = kWidth;
    view_.height = kHeight;
    view_.strides[0] = 3 * kWidth;
    view_.planes[0] = rgb_.data();
    return &view_;
  }

 private:
  std::vector<uint8_t> rgb_;
  ImageView view_;
};

}  // namespace fastsamd
