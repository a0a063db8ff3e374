#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/track.h"

// What the tracker holds of each object and track, and what the files of the tracker share.

namespace fastsamd {

inline constexpr size_t kNoTrack = SIZE_MAX;

/// Two tracks that show one thing for more than half of about this long are one.
inline constexpr double kTwinMs = 300.0;

/// Sides of the frame.
struct Sides {
  bool left = false;
  bool top = false;
  bool right = false;
  bool bottom = false;

  bool Any() const { return left || top || right || bottom; }
};

struct Tracker::Detection {
  TrackBox box;
  double cx = 0.0;
  double cy = 0.0;
  double area = 0.0;
  float score = 0.0F;
  /// Touches the border of the frame or reaches beyond it, so that its size says little.
  bool border = false;
  /// Sides of the frame that cut it.
  Sides cut;
  /// A second mask of what a track already shows in this frame.
  bool spare = false;
  CellMask cells;
  size_t first_word = 0;
  Colours colours{};
  const float* coefficients = nullptr;
  /// Sum of the squares of the coefficients.
  double coefficient_energy = 0.0;

  MotionNoise Noise() const { return cells.count > 0 ? kMaskNoise : kBoxNoise; }
};

struct Tracker::Track {
  /// 0 until it is confirmed.
  uint32_t id = 0;
  TrackState state = TrackState::kTentative;
  int hits = 0;
  /// Sum of the scores of its objects: of two tracks of one thing, the one with more goes on.
  double evidence = 0.0;
  /// How often it was a second track of a thing, 0..1, over the last kTwinMs.
  double twin_share = 0.0;
  /// In this frame.
  bool seen = false;
  /// Turned out to be another track, which goes on in its place.
  bool absorbed = false;
  double age_ms = 0.0;
  double unseen_ms = 0.0;
  /// Nominal frames since it was last seen, this one included.
  double gap = 0.0;
  MotionFilter filter;
  /// Where it was first seen.
  double begin_x = 0.0;
  double begin_y = 0.0;
  TrackBox begin_box;
  /// From the centroid to the centre of the box.
  double box_dx = 0.0;
  double box_dy = 0.0;
  TrackBox expected;
  /// What the frame should show of it, see VisibleBox.
  TrackBox visible;
  TrackBox last_box;
  /// The sides of the box from the centroid, when it was last seen; moved along with the camera.
  TrackBox reach;
  double area = 0.0;
  /// What it covers when nothing hides it: follows its area up at once and down slowly.
  double whole_area = 0.0;
  /// Its motion as it was when it last showed itself whole, predicted to this frame; the same as `filter` while it
  /// does.
  MotionFilter whole_filter;
  bool whole = true;
  /// Lost: where it is if it went on as it did when it was last seen. The filter expects it to move as its neighbours
  /// do.
  double straight_x = 0.0;
  double straight_y = 0.0;
  Velocity straight;
  bool border = false;
  Sides cut;
  bool masked = false;
  Colours colours{};
  bool has_coefficients = false;
  std::array<float, kMaskChannels> coefficients{};
  double coefficient_energy = 0.0;
  /// The mask when it was last seen, and the centroid then, moved along with the camera.
  std::vector<uint64_t> words;
  CellMask cells;
  double mask_x = 0.0;
  double mask_y = 0.0;
  /// Where its mask is expected in this frame.
  std::vector<uint64_t> moved_words;
  CellMask moved;
  uint32_t parent = 0;
  uint32_t parent_candidate = 0;
  double parent_ms = 0.0;
};

/// Which tracks are matched with which objects, and what likeness that takes.
struct Tracker::Stage {
  bool tentative;
  bool lost;
  /// Objects of scores from `from` on, below `to`.
  float from;
  float to;
  double least;
  /// The share of the likeness that goes by the object's score.
  double score_weight;
};

/// In four sums, which is quicker than one and the same on every machine.
inline double DotProduct(const float* a, const float* b) {
  std::array<double, 4> sums{};
  for (size_t k = 0; k < kMaskChannels; k += sums.size()) {
    for (size_t lane = 0; lane < sums.size(); ++lane) {
      sums[lane] += static_cast<double>(a[k + lane]) * static_cast<double>(b[k + lane]);
    }
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

inline bool IsFollowed(const TrackInput& input, uint32_t id) {
  return id != 0 && std::find(input.followed.begin(), input.followed.end(), id) != input.followed.end();
}

}  // namespace fastsamd
