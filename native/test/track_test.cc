#include "core/track.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "core/random.h"

namespace fastsamd {
namespace {

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
Segments SegmentsOf(const std::vector<Thing>& things, bool masks = true, int width = kWidth, int height = kHeight) {
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

TEST(Track, ConfirmsAtTheSecondSightingAndKeepsTheId) {
  Film film;
  EXPECT_EQ(film.At(0, {{100, 100, 40, 40, 0.6F}}).ids, (std::vector<uint32_t>{0}));
  for (int frame = 1; frame < 60; ++frame) {
    const TrackOutput output = film.At(frame, {{100 + 4.0 * frame, 100, 40, 40, 0.6F}});
    ASSERT_EQ(output.ids, (std::vector<uint32_t>{1})) << frame;
    if (frame > 30) {
      EXPECT_NEAR(output.velocities[0], 120.0, 6.0);
    }
  }
}

/// Two sightings of 0.4 are as much evidence as one of 0.64.
TEST(Track, WhereFramesAreRareASureObjectIsConfirmedAtOnce) {
  Film film;
  EXPECT_EQ(film.At(0, {{100, 100, 40, 40, 0.7F}, {300, 100, 40, 40, 0.6F}}).ids, (std::vector<uint32_t>{1, 0}));
  EXPECT_EQ(film.At(6, {{100, 100, 40, 40, 0.7F}, {300, 100, 40, 40, 0.6F}, {200, 250, 40, 40, 0.7F}}).ids,
            (std::vector<uint32_t>{1, 2, 3}));
  // At 30 pictures a second a second sighting comes soon: none is confirmed at its first.
  EXPECT_EQ(film.At(7, {{500, 250, 40, 40, 0.9F}}).ids, (std::vector<uint32_t>{0}));
}

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

TEST(Track, TracksBoxesWithoutMasks) {
  Film film;
  film.At(0, {{100, 100, 40, 40}}, false);
  for (int frame = 1; frame < 20; ++frame) {
    ASSERT_EQ(film.At(frame, {{100 + 3.0 * frame, 100, 40, 40}}, false).ids, (std::vector<uint32_t>{1}));
  }
}

TEST(Track, IdsNeverComeTwice) {
  Film film;
  std::set<uint32_t> seen;
  for (int round = 0; round < 20; ++round) {
    const double start = round * 1000;
    film.At(start, {{100, 100, 40, 40}});
    const TrackOutput output = film.At(start + 1, {{100, 100, 40, 40}});
    EXPECT_TRUE(seen.insert(output.ids[0]).second);
    film.At(start + 100, std::vector<Thing>{});
    if (round % 2 == 0) film.tracker().Reset();
  }
}

TEST(Track, AnObjectHiddenForASecondKeepsItsId) {
  Film film;
  for (int frame = 0; frame < 30; ++frame) film.At(frame, {{100 + 2.0 * frame, 100, 60, 60}});
  for (int frame = 30; frame < 45; ++frame) {
    const TrackOutput output = film.At(frame, std::vector<Thing>{});
    ASSERT_EQ(output.lost.size(), 1u);
    EXPECT_EQ(output.lost[0].id, 1u);
  }
  const TrackOutput back = film.At(45, {{178, 100, 60, 60}});
  EXPECT_EQ(back.ids, (std::vector<uint32_t>{1}));
  EXPECT_EQ(back.reacquired, 1);
}

TEST(Track, EndsAfterKeepMsOnce) {
  Film film({0.1F, 0.0F, 0.4F, 500.0});
  for (int frame = 0; frame < 10; ++frame) film.At(frame, {{100, 100, 60, 60}});
  int ended = 0;
  for (int frame = 10; frame < 60; ++frame) {
    const TrackOutput output = film.At(frame, std::vector<Thing>{});
    for (const EndedTrack& track : output.ended) {
      EXPECT_EQ(track.id, 1u);
      EXPECT_FALSE(track.left);
      EXPECT_NEAR(frame, 9 + 16, 1);
      ++ended;
    }
  }
  EXPECT_EQ(ended, 1);
}

TEST(Track, SaysThatAnObjectLeft) {
  Film film;
  bool left = false;
  for (int frame = 0; frame < 60 && !left; ++frame) {
    std::vector<Thing> things;
    if (560 + 8 * frame - 20 < kWidth - 4) things.push_back({560 + 8.0 * frame, 100, 40, 40});
    for (const EndedTrack& track : film.At(frame, things).ended) left = left || track.left;
  }
  EXPECT_TRUE(left);
}

/// 5 and 30 frames a second see the same: time, not frames, moves the filter.
TEST(Track, IrregularFramesKeepFastObjects) {
  Random random(5);
  Film film;
  int frame = 0;
  for (int step = 0; step < 60; ++step) {
    const double y = 60 + 2.0 * frame;
    const TrackOutput output =
        film.At(frame, {{100 + 3.0 * frame, std::fmod(y, 240.0) + 60, 70, 70}, {100, 300, 30, 30}});
    if (std::fmod(y, 240.0) + 2 * 8 < 240.0 && 100 + 3.0 * frame < 500 && step > 3) {
      ASSERT_EQ(output.ids[1], 2u);
    }
    frame += 1 + random.Below(5);
  }
}

TEST(Track, WeakObjectsContinueTracksAndBeginNone) {
  Film film;
  film.At(0, {{100, 100, 40, 40}});
  film.At(1, {{100, 100, 40, 40}});
  const TrackOutput output = film.At(2, {{100, 100, 40, 40, 0.15F}, {300, 100, 40, 40, 0.3F}});
  EXPECT_EQ(output.ids, (std::vector<uint32_t>{1, 0}));
  EXPECT_EQ(output.born, 0);
  EXPECT_EQ(film.At(3, {{100, 100, 40, 40, 0.05F}}).ids, (std::vector<uint32_t>{0}));
}

TEST(Track, WithStrongScoreAWeakObjectFindsNoLostTrack) {
  Film film({0.1F, 0.6F, 0.7F, 2000.0});
  for (int frame = 0; frame < 5; ++frame) film.At(frame, {{100, 100, 40, 40, 0.9F}});
  EXPECT_EQ(film.At(5, {{100, 100, 40, 40, 0.3F}}).ids, (std::vector<uint32_t>{1}));
  film.At(6, std::vector<Thing>{});
  EXPECT_EQ(film.At(7, {{100, 100, 40, 40, 0.3F}}).ids, (std::vector<uint32_t>{0}));
  EXPECT_EQ(film.At(8, {{100, 100, 40, 40, 0.7F}}).ids, (std::vector<uint32_t>{1}));
}

TEST(Track, ASecondMaskOfAnObjectBeginsNoTrack) {
  Film film;
  for (int frame = 0; frame < 10; ++frame) {
    const TrackOutput output = film.At(frame, {{100, 100, 60, 60, 0.9F}, {101, 101, 62, 60, 0.8F}});
    EXPECT_LE(output.born, frame == 0 ? 1 : 0);
    if (frame > 0) {
      EXPECT_EQ(output.live, 1);
    }
  }
}

TEST(Track, ASecondMaskOfAnObjectBeginsNoTrackWhateverItsBox) {
  Film film;
  for (int frame = 0; frame < 5; ++frame) {
    Segments segments = SegmentsOf({{100, 100, 60, 60, 0.9F}, {101, 100, 60, 60, 0.8F}}, true);
    // Where parts touch, the box of one mask reaches over the next.
    segments.boxes[6] += 60.0F;
    EXPECT_EQ(film.At(frame, segments).ids, (std::vector<uint32_t>{1U, 0U}));
  }
}

TEST(Track, ASecondMaskContinuesNoTrackThatIsNotConfirmed) {
  Film film;
  for (int frame = 0; frame < 3; ++frame) film.At(frame, {{100, 100, 60, 60, 0.9F}});
  film.At(3, {{100, 100, 60, 60, 0.9F}, {130, 100, 60, 60, 0.8F}});
  EXPECT_EQ(film.At(4, {{100, 100, 60, 60, 0.9F}, {114, 100, 60, 60, 0.8F}}).ids, (std::vector<uint32_t>{1, 0}));
}

TEST(Track, OfTwoTracksOfOneThingTheOneWithLessEvidenceEnds) {
  Film film;
  // Both begin apart and come together at 4 pixels a frame, as the masks of one thing do when the network settles.
  std::vector<EndedTrack> ended;
  TrackOutput output;
  for (int frame = 0; frame < 60; ++frame) {
    const double shift = std::max(100.0 - 4.0 * frame, 12.0);
    output = film.At(frame, {{200, 150, 100, 60, 0.9F}, {200 + shift, 150, 100, 60, 0.8F}});
    ended.insert(ended.end(), output.ended.begin(), output.ended.end());
    if (shift > 40.0 && frame > 0) {
      ASSERT_EQ(output.ids, (std::vector<uint32_t>{1, 2})) << frame;
    }
  }
  EXPECT_EQ(output.ids, (std::vector<uint32_t>{1, 0}));
  ASSERT_EQ(ended.size(), 1u) << "zones and lines hear of it once";
  EXPECT_EQ(ended[0].id, 2u);
  EXPECT_FALSE(ended[0].left);
}

TEST(Track, AFollowedTrackOfOneThingGoesOnInPlaceOfTheOther) {
  Film film;
  film.followed = {2};
  TrackOutput output;
  for (int frame = 0; frame < 60; ++frame) {
    const double shift = std::max(100.0 - 4.0 * frame, 12.0);
    output = film.At(frame, {{200, 150, 100, 60, 0.9F}, {200 + shift, 150, 100, 60, 0.8F}});
  }
  EXPECT_EQ(output.ids, (std::vector<uint32_t>{0, 2}));
}

TEST(Track, APartIsNotTakenForItsWhole) {
  Film film;
  for (int frame = 0; frame < 20; ++frame) film.At(frame, {{100, 100, 80, 80}, {100, 85, 80, 50, 0.7F}});
  // The whole flickers: its part keeps its own id.
  const TrackOutput output = film.At(20, {{100, 85, 80, 50, 0.7F}});
  EXPECT_EQ(output.ids, (std::vector<uint32_t>{2}));
  EXPECT_EQ(film.At(21, {{100, 100, 80, 80}, {100, 85, 80, 50, 0.7F}}).ids, (std::vector<uint32_t>{1, 2}));
}

TEST(Track, APartThatMovesAlongHasAParent) {
  Film film;
  TrackOutput output;
  for (int frame = 0; frame < 20; ++frame) {
    const double x = 100 + 3.0 * frame;
    output = film.At(frame, {{x, 100, 100, 100}, {x + 10, 110, 40, 40}, {x + 10, 110, 16, 16}});
  }
  EXPECT_EQ(output.parents, (std::vector<uint32_t>{0, 1, 2}));
}

TEST(Track, WhatPassesOverAnotherHasNoParent) {
  Film film;
  for (int frame = 0; frame < 40; ++frame) {
    const TrackOutput output = film.At(frame, {{300, 150, 180, 180}, {240 + 3.0 * frame, 150, 40, 40}});
    EXPECT_EQ(output.parents, (std::vector<uint32_t>{0, 0})) << frame;
  }
}

TEST(Track, TheCameraMovesWithoutSwitches) {
  Film film;
  Random random(9);
  std::vector<Thing> scene;
  for (int i = 0; i < 6; ++i) scene.push_back({60.0 + 90 * i, 180, 40, 40});
  Affine total;
  for (int frame = 0; frame < 30; ++frame) {
    Affine motion;
    motion.dx = random.Between(-40, 40);
    motion.dy = random.Between(-30, 30);
    if (frame == 0) motion = {};
    total.dx += motion.dx;
    total.dy += motion.dy;
    // Stays around the middle.
    if (std::abs(total.dx) > 40 || std::abs(total.dy) > 40) {
      motion.dx -= total.dx;
      motion.dy -= total.dy;
      total = {};
    }
    std::vector<Thing> shown = scene;
    for (Thing& thing : shown) {
      thing.cx += total.dx;
      thing.cy += total.dy;
    }
    const TrackOutput output = film.At(frame, SegmentsOf(shown), motion);
    if (frame == 0) continue;
    ASSERT_EQ(output.ids, (std::vector<uint32_t>{1, 2, 3, 4, 5, 6})) << frame;
    EXPECT_LT(std::abs(output.velocities[0]), 30.0F);
  }
}

TEST(Track, ARepeatedFrameChangesNothing) {
  Film film;
  film.At(0, {{100, 100, 40, 40, 0.6F}});
  EXPECT_EQ(film.At(0, {{100, 100, 40, 40, 0.6F}}).ids, (std::vector<uint32_t>{0})) << "seen twice, but in one frame";
  film.At(1, {{104, 100, 40, 40}});
  const TrackOutput once = film.At(2, {{108, 100, 40, 40}});
  const TrackOutput again = film.At(2, {{108, 100, 40, 40}});
  EXPECT_EQ(again.ids, once.ids);
  EXPECT_EQ(again.velocities, once.velocities);
  EXPECT_EQ(film.At(2, std::vector<Thing>{}).lost.size(), 0u);
}

TEST(Track, AFrameThreeSecondsLateFindsObjectsWhereTheyWere) {
  Film film;
  for (int frame = 0; frame < 10; ++frame) film.At(frame, {{100 + 2.0 * frame, 100, 60, 60}, {400, 200, 60, 60}});
  const TrackOutput late = film.At(100, {{122, 100, 60, 60}, {400, 200, 60, 60}});
  EXPECT_EQ(late.ids, (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(late.reset, TrackReset::kNone);
}

TEST(Track, TracksOutliveAsLongASilenceAsTheyAreTold) {
  for (const double keep_ms : {0.0, 10000.0, 60000.0}) {
    for (const double silence_ms : {900.0, 9900.0, 10100.0, 59000.0, 61000.0}) {
      TrackOptions options;
      options.reconnect_keep_ms = keep_ms;
      Film film(options);
      const std::vector<Thing> things = {{100, 60, 40, 40}, {200, 60, 30, 30}};
      uint32_t id = 0;
      for (int frame = 0; frame < 5; ++frame) id = film.At(frame, things).ids[0];
      ASSERT_NE(id, 0u);
      const TrackOutput after = film.At(4.0 + silence_ms * kNominalRate / 1000.0, things);
      const bool kept = silence_ms <= std::max(keep_ms, 1000.0);
      EXPECT_EQ(after.reset, kept ? TrackReset::kNone : TrackReset::kTime) << keep_ms << " " << silence_ms;
      EXPECT_EQ(after.ids[0] == id, kept) << keep_ms << " " << silence_ms;
    }
  }
}

TEST(Track, TimeThatGoesBackAndAnotherSizeBeginAgain) {
  Film film;
  for (int frame = 10; frame < 20; ++frame) film.At(frame, {{100, 100, 60, 60}});
  const TrackOutput back = film.At(5, {{100, 100, 60, 60}});
  EXPECT_EQ(back.reset, TrackReset::kTime);
  EXPECT_EQ(back.ids, (std::vector<uint32_t>{2}));
  EXPECT_EQ(film.At(6, {{100, 100, 60, 60}}).ids, (std::vector<uint32_t>{2}));
  const TrackOutput other = film.At(7, SegmentsOf({{100, 100, 60, 60}}, true, 320, 240));
  EXPECT_EQ(other.reset, TrackReset::kSize);
}

TEST(Track, ACameraThatComesBackWithAnotherPictureBeginsAgain) {
  const auto picture = [](uint32_t seed) {
    std::vector<uint8_t> rgb(kWidth * kHeight * 3);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const auto value =
            static_cast<uint8_t>(HashLattice(static_cast<uint32_t>(x / 40), static_cast<uint32_t>(y / 40), seed));
        for (int c = 0; c < 3; ++c) rgb[static_cast<size_t>(3 * (y * kWidth + x) + c)] = value;
      }
    }
    return rgb;
  };
  const std::vector<uint8_t> scene = picture(1);
  const std::vector<uint8_t> other = picture(2);
  ImageView view;
  view.width = kWidth;
  view.height = kHeight;
  view.strides[0] = 3 * kWidth;
  view.planes[0] = scene.data();
  Film film;
  film.image = &view;
  for (int frame = 0; frame < 5; ++frame) film.At(frame, {{100, 100, 60, 60}});
  EXPECT_EQ(film.At(100, {{100, 100, 60, 60}}).ids, (std::vector<uint32_t>{1})) << "the same picture again";
  view.planes[0] = other.data();
  const TrackOutput output = film.At(200, {{100, 100, 60, 60}});
  EXPECT_EQ(output.reset, TrackReset::kScene);
}

TEST(Track, CoefficientsOfAnotherModelDoNotCount) {
  Film film;
  film.coefficients.assign(kMaskChannels, 1.0F);
  for (int frame = 0; frame < 5; ++frame) film.At(frame, {{100, 100, 60, 60}});
  film.coefficients.assign(kMaskChannels, -1.0F);
  EXPECT_EQ(film.At(5, {{100, 100, 60, 60}}).ids, (std::vector<uint32_t>{0})) << "another shape";
  film.coefficients.assign(kMaskChannels, 1.0F);
  film.At(6, {{100, 100, 60, 60}});
  film.coefficients.assign(kMaskChannels, -1.0F);
  film.model = 2;
  EXPECT_NE(film.At(7, {{100, 100, 60, 60}}).ids[0], 0u) << "coefficients of two models never compare";
}

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

constexpr std::array<uint8_t, 3> kRed{220, 20, 20};
constexpr std::array<uint8_t, 3> kBlue{20, 20, 220};

/// A thing rides from the shade into the light, which falls on more and more of it: at every rate its track learns the
/// light of the time that has passed.
TEST(Track, LightIsLearntByTime) {
  for (const int step : {1, 3, 6}) {
    Film film;
    Painted painted;
    for (int frame = 0; frame <= 60; frame += step) {
      const Thing thing{100.0 + 2 * frame, 100, 60, 60};
      const double lit = frame;
      const Thing light{thing.cx - 30 + lit / 2, 100, lit, 60};
      film.image = painted.Show({thing, light}, {{100, 60, 60}, {140, 60, 60}});
      const TrackOutput output = film.At(frame, {thing});
      if (frame > 0) {
        ASSERT_EQ(output.ids[0], 1u) << "every " << step << " frames, at " << frame;
      }
    }
  }
}

/// A red thing is followed, hides for three seconds and comes out elsewhere, among others.
uint32_t IdAfterHiding(const std::vector<Thing>& others, const std::vector<std::array<uint8_t, 3>>& colours) {
  Film film;
  Painted painted;
  film.followed = {1};
  const Thing before{100, 100, 60, 60};
  film.image = painted.Show({before}, {kRed});
  for (int frame = 0; frame < 10; ++frame) film.At(frame, {before});
  film.image = painted.Show({}, {});
  for (int frame = 10; frame < 100; ++frame) EXPECT_TRUE(film.At(frame, std::vector<Thing>{}).ended.empty());
  film.image = painted.Show(others, colours);
  return film.At(100, others).ids[0];
}

TEST(Track, AFollowedObjectIsFoundAgainByItsColour) {
  EXPECT_EQ(IdAfterHiding({{400, 200, 62, 58}}, {kRed}), 1u);
  EXPECT_EQ(IdAfterHiding({{400, 200, 62, 58}, {300, 100, 60, 60}}, {kRed, kBlue}), 1u);
}

TEST(Track, NoOtherIsTakenForAFollowedObject) {
  EXPECT_EQ(IdAfterHiding({{400, 200, 60, 60}}, {kBlue}), 0u) << "another colour";
  EXPECT_EQ(IdAfterHiding({{400, 200, 160, 160}}, {kRed}), 0u) << "another size";
  EXPECT_EQ(IdAfterHiding({{400, 200, 60, 60}, {300, 100, 60, 60}}, {kRed, kRed}), 0u) << "twins";
}

/// Things ride to the right on a belt. The followed one hides; what comes in at the left side looks the same but cannot
/// be it, as it would have had to go against the belt. What is where the belt has carried it by now is taken.
TEST(Track, WhatRidesWithOthersIsFoundWhereTheyCarriedIt) {
  Film film;
  Painted painted;
  constexpr double kSpeed = 4.0;
  film.followed = {1};
  const auto belt = [](int frame, std::optional<double> x) {
    std::vector<Thing> things;
    if (x) things.push_back({*x, 100, 60, 60});
    for (const double other : {20.0, 100.0, 180.0, 260.0}) things.push_back({other + kSpeed * frame, 250, 40, 40});
    return things;
  };
  const auto show = [&](int frame, std::optional<double> x) {
    const std::vector<Thing> things = belt(frame, x);
    std::vector<std::array<uint8_t, 3>> colours(things.size(), kBlue);
    if (x) colours[0] = kRed;
    film.image = painted.Show(things, colours);
    const TrackOutput output = film.At(frame, things);
    return x ? output.ids[0] : 0;
  };
  for (int frame = 0; frame < 10; ++frame) show(frame, 150 + kSpeed * frame);
  for (int frame = 10; frame < 40; ++frame) show(frame, std::nullopt);
  for (int frame = 40; frame < 50; ++frame) EXPECT_NE(show(frame, 40 + kSpeed * (frame - 40)), 1u) << frame;
  EXPECT_EQ(show(50, 150 + kSpeed * 50 - 25), 1u);
}

/// Two of one kind hide, and one comes back: it may be either, whether a prompt follows the other or not.
TEST(Track, ALostTrackThatNoPromptFollowsIsARival) {
  for (const bool both : {false, true}) {
    Film film;
    Painted painted;
    film.followed = {1};
    std::vector<Thing> things{{200, 100, 60, 60}};
    if (both) things.push_back({300, 100, 60, 60});
    film.image = painted.Show(things, std::vector<std::array<uint8_t, 3>>(things.size(), kRed));
    for (int frame = 0; frame < 10; ++frame) film.At(frame, things);
    film.image = painted.Show({}, {});
    for (int frame = 10; frame < 50; ++frame) film.At(frame, std::vector<Thing>{});
    const std::vector<Thing> back{{250, 130, 60, 60}};
    film.image = painted.Show(back, {kRed});
    EXPECT_EQ(film.At(50, back).ids[0] == 1u, !both);
  }
}

/// A bar hides it bit by bit, and it comes out at the other side as large as it was.
TEST(Track, AFollowedObjectThatGoesBehindABarIsFoundAtTheOtherSide) {
  Film film;
  Painted painted;
  film.followed = {1};
  const auto visible = [](int frame) {
    // Of 60 pixels at 2 a frame, what is left and right of a bar at 300..400.
    const double x1 = 150 + 2.0 * frame;
    const double x2 = x1 + 60;
    std::vector<Thing> things;
    if (x1 < 300) things.push_back({(x1 + std::min(x2, 300.0)) / 2, 100, std::min(x2, 300.0) - x1, 60});
    if (x2 > 400) things.push_back({(std::max(x1, 400.0) + x2) / 2, 100, x2 - std::max(x1, 400.0), 60});
    return things;
  };
  uint32_t last = 0;
  for (int frame = 0; frame < 150; ++frame) {
    const std::vector<Thing> things = visible(frame);
    film.image = painted.Show(things, std::vector<std::array<uint8_t, 3>>(things.size(), kRed));
    const TrackOutput output = film.At(frame, things);
    if (!things.empty()) last = output.ids[0];
  }
  EXPECT_EQ(last, 1u);
}

/// An object that never scores enough for a track gets one where a prompt asks for it.
TEST(Track, AWeakObjectThatIsAskedForBeginsATrack) {
  Film film;
  const Thing weak{100, 100, 40, 40, 0.2F};
  const Thing other{300, 100, 40, 40, 0.2F};
  for (int frame = 0; frame < 5; ++frame) EXPECT_EQ(film.At(frame, {weak, other}).ids, (std::vector<uint32_t>{0, 0}));
  film.asked = {{82, 81, 119, 121}};
  film.At(5, {weak, other});
  film.asked.clear();
  EXPECT_EQ(film.At(6, {weak, other}).ids, (std::vector<uint32_t>{1, 0}));
}

TEST(Track, HoldsABoundedNumberOfTracks) {
  Film film({0.1F, 0.0F, 0.4F, 600000.0});
  Random random(3);
  for (int frame = 0; frame < 60; ++frame) {
    std::vector<Thing> things;
    for (int i = 0; i < 300; ++i) things.push_back({random.Between(0, kWidth), random.Between(0, kHeight), 10, 10});
    const TrackOutput output = film.At(2.0 * frame, things);
    ASSERT_LE(output.lost.size() + static_cast<size_t>(output.live), Tracker::kMaxTracks);
  }
}

TEST(Track, AnyInputIsTaken) {
  Random random(17);
  Film film;
  for (int frame = 0; frame < 300; ++frame) {
    std::vector<Thing> things;
    const int count = random.Below(30);
    for (int i = 0; i < count; ++i) {
      things.push_back({random.Between(-50, kWidth + 50), random.Between(-50, kHeight + 50), random.Between(0, 400),
                        random.Between(0, 400), static_cast<float>(random.Next())});
    }
    std::optional<Affine> motion;
    if (random.Next() < 0.3) motion = Affine{random.Between(0.5, 2), 0.1, random.Between(-99, 99), -0.1, 1.0, 7.0};
    const Segments segments = SegmentsOf(things, random.Next() < 0.7);
    const TrackOutput output = film.At(frame + random.Between(-2, 40), segments, motion);
    std::set<uint32_t> ids;
    for (const uint32_t id : output.ids) {
      ASSERT_TRUE(id == 0 || ids.insert(id).second) << "one id, two objects";
    }
    for (const float velocity : output.velocities) ASSERT_TRUE(std::isfinite(velocity));
  }
}

TEST(Track, RefusesOptionsOutOfRange) {
  EXPECT_TRUE(Validate(TrackOptions{}).ok());
  TrackOptions options;
  options.birth_score = 1.5F;
  EXPECT_FALSE(Validate(options).ok());
  options = {};
  options.keep_ms = NAN;
  EXPECT_FALSE(Validate(options).ok());
}

}  // namespace
}  // namespace fastsamd
