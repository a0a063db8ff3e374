#include "core/track.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "core/random.h"
#include "test/track_film.h"

namespace fastsamd {
namespace {

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

TEST(Track, WhereFramesAreRareAnObjectMayBeFartherFromWhereItIsExpected) {
  const auto id_after_jump = [](double step, bool masks) {
    Film film;
    TrackOutput output;
    for (int k = 0; k < 6; ++k) output = film.At(k * step, {{200, 180, 60, 100}}, masks);
    EXPECT_EQ(output.ids[0], 1U);
    // The boxes overlap by 0.15.
    return film.At(6 * step, {{244, 180, 60, 100}}, masks).ids[0];
  };
  EXPECT_NE(id_after_jump(1, true), 1U);
  EXPECT_EQ(id_after_jump(6, true), 1U);
  EXPECT_NE(id_after_jump(6, false), 1U);
}

TEST(Track, WhatHasTurnedWhileItWasHiddenIsKnownByItsBox) {
  // The mask fills the left or the right half of its box: the two have nothing in common.
  const auto half = [](double cx, bool left) {
    Segments segments = SegmentsOf({{left ? cx - 25 : cx + 25, 180, 50, 100}});
    segments.boxes = {static_cast<float>(cx - 50), 130.0F, static_cast<float>(cx + 50), 230.0F};
    return segments;
  };
  const auto id_after = [&](int hidden) {
    Film film;
    for (int frame = 0; frame < 6; ++frame) film.At(frame, half(200, true));
    for (int frame = 6; frame < 6 + hidden; ++frame) film.At(frame, std::vector<Thing>{});
    // The boxes overlap by 0.3.
    return film.At(6 + hidden, half(254, false)).ids[0];
  };
  EXPECT_NE(id_after(0), 1U);
  EXPECT_EQ(id_after(4), 1U);
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

TEST(Track, TellsWhereATrackWasFirstSeenWhenItGetsItsName) {
  Film film;
  film.At(0, std::vector<Thing>{});
  EXPECT_TRUE(film.At(1, {{100, 100, 40, 20}}).named.empty());
  const TrackOutput output = film.At(2, {{112, 100, 40, 20}});
  ASSERT_EQ(output.named.size(), 1U);
  EXPECT_EQ(output.named[0].id, output.ids[0]);
  EXPECT_EQ(output.named[0].x, 100.0);
  EXPECT_EQ(output.named[0].box.x2, 120.0);
  EXPECT_TRUE(film.At(3, {{124, 100, 40, 20}}).named.empty());
}

TEST(Track, WhatOverlapsANamedThingGetsItsNameWhenItHasShownForLong) {
  Film film;
  const Thing known{100, 100, 100, 60, 0.9F};
  const Thing next{150, 100, 100, 60, 0.9F};
  const Thing apart{400, 100, 100, 60, 0.9F};
  for (int frame = 0; frame < 5; ++frame) film.At(frame, {known});
  for (int frame = 5; frame < 13; ++frame) {
    EXPECT_EQ(film.At(frame, {known, next, apart}).ids, (std::vector<uint32_t>{1, 0, frame == 5 ? 0U : 2U})) << frame;
  }
  for (int frame = 13; frame < 16; ++frame) film.At(frame, {known, next, apart});
  EXPECT_EQ(film.At(16, {known, next, apart}).ids, (std::vector<uint32_t>{1, 3, 2}));
}

TEST(Track, AMaskThatTurnsOutToBeOfANamedThingGetsNoName) {
  Film film;
  const Thing known{100, 100, 100, 60, 0.9F};
  for (int frame = 0; frame < 5; ++frame) film.At(frame, {known});
  for (int frame = 5; frame < 30; ++frame) {
    const double shift = frame < 9 ? 50.0 : 10.0;
    EXPECT_EQ(film.At(frame, {known, {100 + shift, 100, 100, 60, 0.8F}}).ids, (std::vector<uint32_t>{1, 0})) << frame;
  }
  EXPECT_EQ(film.At(30, {known}).lost.size(), 0U);
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

TEST(Track, OneOddMaskTakesNoPartFromItsWhole) {
  Film film;
  TrackOutput output;
  for (int frame = 0; frame < 30; ++frame) {
    const double x = 100 + 3.0 * frame;
    // Now and then the mask of the whole lacks the side where the part is.
    const bool odd = frame > 20 && frame % 4 == 0;
    output = film.At(frame, {odd ? Thing{x - 20, 100, 60, 100} : Thing{x, 100, 100, 100}, {x + 25, 110, 40, 40}});
    if (frame > 12) {
      EXPECT_EQ(output.parents, (std::vector<uint32_t>{0, 1})) << frame;
    }
  }
}

TEST(Track, APartLeavesItsWholeWithin300Ms) {
  Film film;
  for (int frame = 0; frame < 30; ++frame) film.At(frame, {{100, 100, 100, 100}, {110, 110, 40, 40}});
  TrackOutput output;
  for (int frame = 30; frame < 42; ++frame) output = film.At(frame, {{100, 100, 100, 100}, {190, 110, 40, 40}});
  EXPECT_EQ(output.parents, (std::vector<uint32_t>{0, 0}));
}

TEST(Track, WhatCoversMostOfAnotherIsNoPartOfIt) {
  Film film;
  TrackOutput output;
  // One mask shows two things that touch, another the larger one.
  for (int frame = 0; frame < 30; ++frame) {
    const double x = 100 + 3.0 * frame;
    output = film.At(frame, {{x, 100, 100, 60, 0.9F}, {x - 20, 100, 60, 60, 0.8F}});
  }
  EXPECT_EQ(output.ids, (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(output.parents, (std::vector<uint32_t>{0, 0}));
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
