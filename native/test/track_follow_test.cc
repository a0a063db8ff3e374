// Tracks that prompts follow, colours, and what hides and comes back.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "core/track.h"
#include "test/track_film.h"

namespace fastsamd {
namespace {

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

}  // namespace
}  // namespace fastsamd
