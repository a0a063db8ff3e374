// How objects and tracks of one frame belong together: which show one thing, which is a part of which, and which is one
// that was lost.

#include <algorithm>
#include <cmath>

#include "core/track.h"
#include "core/track_records.h"

namespace fastsamd {
namespace {

/// Masks that overlap like this show one thing, as two things share no pixels. Networks of FastSAM's kind leave more
/// than one mask to a thing (NMS at IoU 0.9).
constexpr double kSameMask = 0.5;
/// Below this overlap, an object that the network is sure of and that lies in another is a part of it.
constexpr double kSamePart = 0.65;
constexpr float kSurePart = 0.5F;
constexpr double kWithin = 0.95;
/// Masks of one thing overlap less than kSameMask now and then, but seldom less than this.
constexpr double kContested = kSameMask / 2.0;
/// Boxes of two things overlap far more than masks do.
constexpr double kSameBox = 0.7;
/// A parent holds this much of a part...
constexpr double kHeld = 0.8;
/// ...which covers at most this much of it: more is what one mask shows of two things that touch...
constexpr double kMaxPartShare = 0.5;
/// ...covers at most this much of the frame...
constexpr double kMaxParentShare = 0.3;
/// ...for this long...
constexpr double kParentMs = 300.0;
/// ...and moves like it: difference of the velocities over the larger of both, or in sizes of the part a second.
constexpr double kSameVelocity = 0.2;
constexpr double kStandingStill = 0.1;
/// A followed object that was hidden is found again if it looks like before...
constexpr double kSameColour = 0.86;
/// ...is about as large (logarithm of the areas' ratio)...
constexpr double kSameSize = 0.7;
/// ...is where it can be by now, in standard deviations of its place...
constexpr double kReach = 3.0;
/// ...and is ten times as likely as any other pair: of twins none is taken, unless their places tell which is which.
constexpr double kRival = 0.1;

/// Square of the distance of a point from the way between two others, in standard deviations of each axis.
double SquareDistance(double x, double y, double x0, double y0, double x1, double y1, double sd_x, double sd_y) {
  const double px = (x - x0) / sd_x;
  const double py = (y - y0) / sd_y;
  const double ux = (x1 - x0) / sd_x;
  const double uy = (y1 - y0) / sd_y;
  const double length = ux * ux + uy * uy;
  const double along = length > 0.0 ? std::clamp((px * ux + py * uy) / length, 0.0, 1.0) : 0.0;
  const double dx = px - along * ux;
  const double dy = py - along * uy;
  return dx * dx + dy * dy;
}

/// Whether a part moves like what holds it.
bool MovesAlong(const MotionFilter& part, const MotionFilter& whole) {
  const double difference = std::hypot(part.x.velocity - whole.x.velocity, part.y.velocity - whole.y.velocity);
  const double speed =
      std::max(std::hypot(part.x.velocity, part.y.velocity), std::hypot(whole.x.velocity, whole.y.velocity));
  return difference <= kSameVelocity * speed || difference * kNominalRate <= kStandingStill * part.Size();
}

}  // namespace

/// Finds followed tracks again that came out from behind something elsewhere than expected. A candidate is an object
/// that no track has continued, or one whose track began after the followed one was lost. Colour and place speak for a
/// pair of a track and an object: the track went on as it was going, or as those around it do, or anything between, and
/// its filter tells how far from that it can be. The pair must be the best of both by far, as a wrong object is worse
/// than none; lost tracks that no prompt follows are rivals, too.
void Tracker::Reacquire(const TrackInput& input, TrackOutput& output) {
  if (input.followed.empty() || input.image == nullptr) return;
  struct Pair {
    size_t track;
    size_t object;
    double worth;
  };
  std::vector<Pair> pairs;
  const double half_frame = std::hypot(grid_.width, grid_.height) / 2.0;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const Track& track = tracks_[i];
    if (track.seen || track.state != TrackState::kLost) continue;
    const MotionFilter& filter = track.filter;
    const auto deviation = [&](const AxisFilter& axis) {
      // No place is known better than one sighting shows it.
      return std::max(std::sqrt(axis.position_variance), filter.Size() / 20.0);
    };
    const double sd_x = deviation(filter.x);
    const double sd_y = deviation(filter.y);
    for (size_t j = 0; j < detections_.size(); ++j) {
      const Detection& detection = detections_[j];
      const size_t owner = track_of_[j];
      const bool young =
          owner != kNoTrack && tracks_[owner].age_ms < track.unseen_ms && !IsFollowed(input, tracks_[owner].id);
      if ((owner != kNoTrack && !young) || detection.score < options_.birth_score) continue;
      if (detection.area <= 0.0 || track.area <= 0.0 || std::abs(std::log(detection.area / track.area)) > kSameSize)
        continue;
      const double square = SquareDistance(detection.cx, detection.cy, filter.x.position, filter.y.position,
                                           track.straight_x, track.straight_y, sd_x, sd_y);
      if (square > kReach * kReach) continue;
      if (std::hypot(detection.cx - filter.x.position, detection.cy - filter.y.position) > half_frame) continue;
      const double alike = Alike(track.colours, detection.colours);
      if (alike < kSameColour) continue;
      const double squared = alike * alike;
      pairs.push_back({i, j, squared * squared * squared * squared * std::exp(-square / 2.0)});
    }
  }
  const auto is_rival = [&](const Pair& pair, const Pair& other) {
    if (other.track == pair.track) {
      // A second mask of the object is no rival of it.
      return other.object != pair.object && !AreSame(detections_[other.object], detections_[pair.object]);
    }
    return other.object == pair.object || AreSame(detections_[other.object], detections_[pair.object]);
  };
  for (const Pair& pair : pairs) {
    Track& track = tracks_[pair.track];
    if (track.seen || !IsFollowed(input, track.id)) continue;
    const bool is_clear = std::none_of(pairs.begin(), pairs.end(), [&](const Pair& other) {
      return is_rival(pair, other) && other.worth > kRival * pair.worth;
    });
    if (!is_clear) continue;
    if (track_of_[pair.object] != kNoTrack) tracks_[track_of_[pair.object]].absorbed = true;
    const Detection& detection = detections_[pair.object];
    track.filter.Start(detection.cx, detection.cy, detection.box.x2 - detection.box.x1,
                       detection.box.y2 - detection.box.y1);
    Continue(track, detection, output);
    output.found.push_back(track.id);
    track_of_[pair.object] = pair.track;
  }
}

/// Whether two objects of one frame show the same thing: by their masks, by their boxes where masks are small or
/// missing. Boxes of one mask differ by half where parts touch, so they do not count beside masks.
bool Tracker::AreSame(const Detection& a, const Detection& b) const {
  const double iou = BoxIou(a.box, b.box);
  if (iou <= 0.0) return false;
  if (a.cells.count < kMinCells || b.cells.count < kMinCells) return iou >= kSameBox;
  const int smaller = std::min(a.cells.count, b.cells.count);
  // Of masks of such sizes, the one within the other overlaps less than that.
  if (smaller < kSameMask * std::max(a.cells.count, b.cells.count)) return false;
  const double mask_iou = CellIou(grid_, a.cells, b.cells);
  if (mask_iou < kSameMask || mask_iou >= kSamePart) return mask_iou >= kSamePart;
  const Detection& inner = a.cells.count < b.cells.count ? a : b;
  return inner.score < kSurePart || SharedCells(grid_, a.cells, b.cells) < kWithin * inner.cells.count;
}

/// Whether an object may turn out to be a second mask of what a confirmed track shows in this frame.
bool Tracker::IsContested(const Detection& detection) const {
  if (detection.cells.count < kMinCells) return false;
  bool contested = false;
  boxes_.ForOverlapping(detection.box, [&](size_t k) {
    const Detection& other = detections_[k];
    if (contested || &other == &detection || other.cells.count < kMinCells) return;
    if (track_of_[k] == kNoTrack || tracks_[track_of_[k]].id == 0) return;
    contested = CellIou(grid_, detection.cells, other.cells) >= kContested;
  });
  return contested;
}

/// Second masks of what confirmed tracks show in this frame neither continue nor begin a track. Boxes alone say too
/// little for that: those of two people side by side are alike.
void Tracker::SetSparesAside() {
  for (size_t j = 0; j < detections_.size(); ++j) {
    Detection& detection = detections_[j];
    if (track_of_[j] != kNoTrack || detection.cells.count < kMinCells) continue;
    boxes_.ForOverlapping(detection.box, [&](size_t k) {
      if (detection.spare || track_of_[k] == kNoTrack || detections_[k].cells.count < kMinCells) return;
      detection.spare = AreSame(detection, detections_[k]);
    });
  }
}

/// Two tracks can take hold of two masks of one thing, each finding its own mask again in every frame. The one with
/// less evidence ends once they have shown one thing for long enough; those that prompts follow never do.
void Tracker::MergeTwins(const TrackInput& input) {
  const double rate = std::min(1.0, dt_ms_ / kTwinMs);
  for (size_t j = 0; j < detections_.size(); ++j) {
    if (track_of_[j] == kNoTrack || detections_[j].cells.count < kMinCells) continue;
    Track& track = tracks_[track_of_[j]];
    if (IsFollowed(input, track.id)) continue;
    bool twin = false;
    boxes_.ForOverlapping(detections_[j].box, [&](size_t k) {
      if (twin || k == j || track_of_[k] == kNoTrack || detections_[k].cells.count < kMinCells) return;
      const Track& other = tracks_[track_of_[k]];
      if (other.id == 0 || other.absorbed || !AreSame(detections_[j], detections_[k])) return;
      twin = track.id == 0 || IsFollowed(input, other.id) || other.evidence > track.evidence ||
             (other.evidence == track.evidence && other.id < track.id);
    });
    track.twin_share += rate * ((twin ? 1.0 : 0.0) - track.twin_share);
    track.absorbed = track.absorbed || (twin && track.twin_share > 0.5);
  }
}

void Tracker::FindParents() {
  const double frame_area = static_cast<double>(grid_.width) * grid_.height;
  for (size_t j = 0; j < detections_.size(); ++j) {
    if (track_of_[j] == kNoTrack) continue;
    Track& part = tracks_[track_of_[j]];
    if (part.id == 0) continue;
    const Detection& inner = detections_[j];
    const Track* parent = nullptr;
    double parent_area = kMaxParentShare * frame_area;
    boxes_.ForOverlapping(inner.box, [&](size_t k) {
      if (k == j || track_of_[k] == kNoTrack || tracks_[track_of_[k]].id == 0) return;
      const Detection& outer = detections_[k];
      if (outer.area >= parent_area || inner.area > kMaxPartShare * outer.area) return;
      const double width = std::min(inner.box.x2, outer.box.x2) - std::max(inner.box.x1, outer.box.x1);
      const double height = std::min(inner.box.y2, outer.box.y2) - std::max(inner.box.y1, outer.box.y1);
      if (width * height < kHeld * inner.box.Area()) return;
      const bool masks = inner.cells.count >= kMinCells / 2 && outer.cells.count >= kMinCells;
      if (masks && SharedCells(grid_, inner.cells, outer.cells) < kHeld * inner.cells.count) return;
      parent = &tracks_[track_of_[k]];
      parent_area = outer.area;
    });
    if (parent != nullptr && !MovesAlong(part.filter, parent->filter)) parent = nullptr;
    // One odd mask of either changes nothing: a parent that held the part for long may miss it for as long.
    const bool held = parent != nullptr && parent->id == part.parent_candidate;
    part.parent_ms = held ? std::min(part.parent_ms + dt_ms_, 2.0 * kParentMs) : std::max(part.parent_ms - dt_ms_, 0.0);
    if (part.parent_ms == 0.0) part.parent_candidate = parent != nullptr ? parent->id : 0;
    const bool is_part = part.parent_ms >= kParentMs &&
                         (held || std::any_of(tracks_.begin(), tracks_.end(),
                                              [&](const Track& track) { return track.id == part.parent_candidate; }));
    part.parent = is_part ? part.parent_candidate : 0;
  }
}

}  // namespace fastsamd
