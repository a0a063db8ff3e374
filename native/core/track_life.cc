// How tracks begin, go on from sighting to sighting, and end.

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/track.h"
#include "core/track_records.h"

namespace fastsamd {
namespace {

/// A track that was seen once must be seen again within this time, or in the next frame.
constexpr double kConfirmMs = 250.0;
/// How long a track of one or two sightings is kept.
constexpr double kKeepYoungMs = 350.0;
constexpr int kYoungHits = 2;
/// Share of an object's colours that is learnt from the light of one nominal frame. Light changes with time and place,
/// however often the object is seen.
constexpr double kLearnColour = 0.1;
/// Area over what is expected within which an object shows itself whole: else neither colour nor size is learnt.
constexpr double kWholeFrom = 0.6;
constexpr double kWholeTo = 1.6;
/// Overlap of an object with the one that a prompt saw a frame before.
constexpr double kAskedOverlap = 0.5;

/// One sighting of this score is as much evidence for an object as two of the least that begin a track.
float Sure(const TrackOptions& options) {
  const float doubt = 1.0F - options.birth_score;
  return 1.0F - doubt * doubt;
}

}  // namespace

void Tracker::Continue(Track& track, const Detection& detection, TrackOutput& output) {
  // A repeated frame says nothing new about motion, and does not confirm what it shows twice.
  if (dt_ms_ > 0.0) {
    FollowFreeEdges(track, detection);
    track.filter.Update(detection.cx, detection.cy, detection.box.x2 - detection.box.x1,
                        detection.box.y2 - detection.box.y1);
    ++track.hits;
    track.evidence += static_cast<double>(detection.score);
  }
  const double ratio = track.area > 0.0 ? detection.area / track.area : 1.0;
  if (ratio >= kWholeFrom && ratio <= kWholeTo) {
    const double learnt = 1.0 - std::pow(1.0 - kLearnColour, track.gap);
    Learn(track.colours, detection.colours, static_cast<float>(learnt));
  }
  if (track.state == TrackState::kLost) ++output.reacquired;
  if (track.id == 0 && track.hits >= 2) {
    // What overlaps a thing that has a name gets none before it has shown for long enough that it is another thing.
    const bool contested = IsContested(detection);
    if (!contested || track.age_ms >= kTwinMs) track.id = next_id_++;
    if (!contested) output.named.push_back({track.id, track.begin_box, track.begin_x, track.begin_y});
  }
  if (track.id != 0) track.state = TrackState::kTracked;
  Remember(track, detection);
}

void Tracker::Remember(Track& track, const Detection& detection) const {
  track.seen = true;
  LearnWhole(track, detection.area);
  track.unseen_ms = 0.0;
  track.gap = 0.0;
  track.area = detection.area;
  track.border = detection.border;
  track.cut = detection.cut;
  track.last_box = detection.box;
  track.reach = {detection.box.x1 - detection.cx, detection.box.y1 - detection.cy, detection.box.x2 - detection.cx,
                 detection.box.y2 - detection.cy};
  track.box_dx = (detection.box.x1 + detection.box.x2) / 2.0 - detection.cx;
  track.box_dy = (detection.box.y1 + detection.box.y2) / 2.0 - detection.cy;
  track.masked = detection.cells.count > 0;
  track.filter.noise = detection.Noise();
  const size_t words = static_cast<size_t>(detection.cells.columns) * static_cast<size_t>(grid_.words);
  track.words.assign(detection.cells.bits, detection.cells.bits + words);
  track.cells = detection.cells;
  track.cells.bits = track.words.data();
  track.mask_x = detection.cx;
  track.mask_y = detection.cy;
  if (detection.coefficients != nullptr) {
    track.has_coefficients = true;
    std::copy_n(detection.coefficients, kMaskChannels, track.coefficients.begin());
    track.coefficient_energy = detection.coefficient_energy;
  }
}

/// Whether a prompt has seen this object in the previous frame, where no track showed it.
bool Tracker::IsAsked(const TrackInput& input, const Detection& detection) const {
  return std::any_of(input.asked.begin(), input.asked.end(),
                     [&](const TrackBox& box) { return BoxIou(box, detection.box) >= kAskedOverlap; });
}

void Tracker::Begin(const TrackInput& input, TrackOutput& output) {
  std::vector<size_t> seen;
  for (size_t j = 0; j < detections_.size(); ++j) {
    if (track_of_[j] != kNoTrack) seen.push_back(j);
  }
  for (size_t j = 0; j < detections_.size(); ++j) {
    const Detection& detection = detections_[j];
    if (track_of_[j] != kNoTrack || detection.spare) continue;
    if (detection.score < options_.birth_score &&
        (detection.score < options_.continue_score || !IsAsked(input, detection)))
      continue;
    if (tracks_.size() >= kMaxTracks) break;
    const bool known =
        std::any_of(seen.begin(), seen.end(), [&](size_t other) { return AreSame(detection, detections_[other]); });
    if (known) continue;
    Track& track = tracks_.emplace_back();
    track.hits = 1;
    track.evidence = static_cast<double>(detection.score);
    if (slow_ && detection.score >= Sure(options_) && !IsContested(detection)) {
      track.id = next_id_++;
      track.state = TrackState::kTracked;
    }
    track.colours = detection.colours;
    track.begin_x = detection.cx;
    track.begin_y = detection.cy;
    track.begin_box = detection.box;
    track.filter.noise = detection.Noise();
    track.filter.Start(detection.cx, detection.cy, detection.box.x2 - detection.box.x1,
                       detection.box.y2 - detection.box.y1);
    Remember(track, detection);
    track_of_[j] = tracks_.size() - 1;
    seen.push_back(j);
    ++output.born;
  }
}

void Tracker::EndTracks(const TrackInput& input, TrackOutput& output) {
  std::vector<size_t> moved_to(tracks_.size(), kNoTrack);
  size_t kept = 0;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    Track& track = tracks_[i];
    bool ended = track.absorbed;
    bool left = false;
    // A repeated frame in which it is missing takes nothing from it.
    if (!track.seen && dt_ms_ > 0.0) {
      if (track.state == TrackState::kTracked) {
        track.state = TrackState::kLost;
        // Boxes alone do not tell what is hidden: many detectors guess the whole.
        if (track.masked && !track.whole) GoOnAsWhole(track);
        track.straight_x = track.filter.x.position;
        track.straight_y = track.filter.y.position;
        track.straight = {track.filter.x.velocity, track.filter.y.velocity};
      }
      left = track.expected.x2 <= 0.0 || track.expected.y2 <= 0.0 || track.expected.x1 >= grid_.width ||
             track.expected.y1 >= grid_.height;
      const double keep = track.id == 0              ? kConfirmMs
                          : track.hits <= kYoungHits ? std::min(std::max(kKeepYoungMs, 1.5 * dt_ms_), options_.keep_ms)
                                                     : options_.keep_ms;
      const bool followed = IsFollowed(input, track.id);
      ended = followed ? track.unseen_ms > input.forget_ms : left || track.unseen_ms > keep;
    }
    if (ended) {
      if (track.id != 0) output.ended.push_back({track.id, track.last_box, track.age_ms, left});
      continue;
    }
    moved_to[i] = kept;
    if (kept != i) tracks_[kept] = std::move(track);
    ++kept;
  }
  tracks_.resize(kept);
  for (size_t& index : track_of_) {
    if (index != kNoTrack) index = moved_to[index];
  }
}

}  // namespace fastsamd
