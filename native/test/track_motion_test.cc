// How objects are expected to move before their tracks know it: as those around them, or as the belt.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "core/track.h"
#include "test/track_film.h"

namespace fastsamd {
namespace {

/// A belt at 4 frames a second: parts move 0.8 of their size from frame to frame, and come in at the side.
TEST(Track, ObjectsInheritTheMotionOfThoseAroundThem) {
  Film film;
  const auto belt = [](double offset) {
    std::vector<Thing> things;
    for (int k = 0; k < 20; ++k) {
      const double x = offset + 600 - 70.0 * k;
      if (x > -25 && x < kWidth + 25) things.push_back({x, 60.0 + 60 * (k * 7 % 5), 50, 44, 0.6F});
    }
    return things;
  };
  std::set<uint32_t> ids;
  for (int step = 0; step < 16; ++step) {
    const std::vector<Thing> things = belt(40.0 * step);
    const TrackOutput output = film.At(7.5 * step, things);
    for (size_t i = 0; i < things.size(); ++i) {
      if (output.ids[i] != 0) {
        ids.insert(output.ids[i]);
      } else {
        EXPECT_TRUE(step == 0 || things[i].cx < 70) << step << " at " << things[i].cx;
      }
    }
  }
  // Those of the first picture and one every 70 pixels since then; one may just have come in.
  EXPECT_NEAR(static_cast<double>(ids.size()), 9.0 + 40.0 * 15 / 70, 1.5);
}

/// What a camera over a belt sees: never more than two parts, and rails that stand still. `offset`: of the belt.
std::vector<Thing> SparseBelt(double offset) {
  std::vector<Thing> things{{320, 10, 640, 20, 0.9F}, {320, 350, 640, 20, 0.9F}, {50, 30, 30, 16, 0.9F}};
  for (int k = 0; k < 40; ++k) {
    const double x = offset - 430.0 * k;
    if (x > -45 && x < kWidth + 45) things.push_back({x, 180.0 + 20 * (k % 3), 100, 80, 0.9F});
  }
  return things;
}

/// At two pictures a second parts move by 1.3 times their length from one to the next.
TEST(Track, WithOneMotionPartsAreFollowedThatNoNeighbourTellsOf) {
  TrackOptions options;
  options.one_motion = true;
  Film film(options);
  std::map<int, std::set<uint32_t>> ids;
  for (int step = 0; step < 60; ++step) {
    const double offset = 200 + 130.0 * step;
    const std::vector<Thing> things = SparseBelt(offset);
    const TrackOutput output = film.At(15.0 * step, things);
    for (size_t i = 3; i < things.size(); ++i) {
      const bool whole = things[i].cx > 50 && things[i].cx < kWidth - 50;
      if (whole) ids[static_cast<int>(std::lround((offset - things[i].cx) / 430.0))].insert(output.ids[i]);
    }
    if (step > 0) {
      EXPECT_NE(output.ids[0], 0u);
    }
  }
  ASSERT_GE(ids.size(), 17u);
  for (const auto& [part, names] : ids) {
    // In the first picture more things stand still than move.
    if (part > 0) {
      EXPECT_EQ(names.size(), 1u) << part;
    }
  }
}

/// Nothing is in sight for three seconds; then the belt goes on as it did.
TEST(Track, OneMotionIsRememberedOverAGapAndChangesWithTheBelt) {
  TrackOptions options;
  options.one_motion = true;
  Film film(options);
  uint32_t id = 0;
  const auto pass = [&](int first, double pace) {
    int changes = 0;
    for (int step = 0; 60 + pace * step < kWidth - 60; ++step) {
      const TrackOutput output = film.At(15.0 * (first + step), {{60 + pace * step, 180, 100, 80, 0.9F}});
      if (step > 0 && output.ids[0] != id) ++changes;
      id = output.ids[0];
    }
    return changes;
  };
  const auto nothing = [&](int first) {
    for (int step = 0; step < 6; ++step) film.At(15.0 * (first + step), std::vector<Thing>{});
  };
  EXPECT_EQ(pass(0, 40), 0);
  nothing(14);
  // Half as fast again: as fast as the overlap of prediction and part allows.
  EXPECT_EQ(pass(20, 75), 0);
  nothing(27);
  EXPECT_EQ(pass(33, 110), 0);
  nothing(38);
  // It stands still, and starts again.
  EXPECT_EQ(pass(44, 60), 0);
}

/// One object that goes another way than the rest keeps its own.
TEST(Track, WhatMovesAgainstTheOthersIsKept) {
  Film film;
  uint32_t against = 0;
  for (int step = 0; step < 30; ++step) {
    std::vector<Thing> things{{560 - 8.0 * step, 330, 50, 44}};
    for (int k = 0; k < 6; ++k) things.push_back({60.0 + 50 * k + 8 * step, 60.0 + 40 * k, 50, 30});
    const TrackOutput output = film.At(2 * step, things);
    if (step == 1) against = output.ids[0];
    if (step >= 1) {
      ASSERT_EQ(output.ids[0], against) << step;
    }
  }
  EXPECT_NE(against, 0u);
}

/// The centroid of what comes in moves at half the speed; its front edge tells the whole.
TEST(Track, WhatTheBorderCutsMovesAsItsFreeEdge) {
  Film film;
  for (int frame = 0; frame < 12; ++frame) {
    const TrackOutput output = film.At(frame, {{-40 + 6.0 * frame, 100, 100, 60}});
    if (frame > 8) {
      EXPECT_GT(output.velocities[0], 0.8 * 180.0) << frame;
    }
  }
}

/// How far the velocity of an object strays from 120 pixels a second whose box jitters by two pixels either way.
double StraysWith(bool masks) {
  Film film;
  double most = 0.0;
  for (int frame = 0; frame < 120; ++frame) {
    const double jitter = frame % 3 == 0 ? 2.0 : -1.0;
    const TrackOutput output = film.At(frame, {{60 + 4.0 * frame + jitter, 100, 40, 40}}, masks);
    if (frame > 80) most = std::max(most, std::abs(static_cast<double>(output.velocities[0]) - 120.0));
  }
  return most;
}

TEST(Track, WhatBoxesAloneShowIsSmoothedMore) {
  const double masks = StraysWith(true);
  const double boxes = StraysWith(false);
  EXPECT_GT(masks, 2.0);
  EXPECT_LT(boxes, 0.6 * masks) << boxes << " " << masks;
}

}  // namespace
}  // namespace fastsamd
