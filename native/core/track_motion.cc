// Motion that a track cannot tell by itself: of objects that were seen once or are hidden, which move as those around
// them do, and of objects that the border of the frame cuts.

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/track.h"
#include "core/track_records.h"

namespace fastsamd {
namespace {

/// Sightings from which on a track knows its velocity.
constexpr int kKnownHits = 3;
/// So many of the nearest tracks tell how things move at a place, at least so many.
constexpr size_t kNeighbours = 5;
constexpr size_t kLeastNeighbours = 3;
/// With one_motion, what has moved by this share of its size since it was first seen lies on the belt.
constexpr double kMoved = 0.5;
/// Neighbours move as one if the spread of their velocities is below this share of the speed.
constexpr double kOneMotion = 0.5;
/// The standard deviation of a normal distribution over its median absolute deviation.
constexpr double kDeviation = 1.4826;
/// Where no velocity is known, this many tracks vote for one, with this many objects each that they could be.
constexpr size_t kVoters = 64;
constexpr size_t kVotesEach = 4;
/// Votes agree within this share of an object's size.
constexpr double kAgreeing = 0.25;
/// Speeds of things before they are known: a normal distribution, sizes a nominal frame, as in AxisFilter::Start.
constexpr double kPriorSpeed = 10.0 / 160.0;

using Values = std::array<double, kNeighbours>;

double Median(Values values, size_t count) {
  // By insertion: in so few values g++ 14 takes std::sort's way for many for a read behind their end.
  for (size_t i = 1; i < count; ++i) {
    for (size_t k = i; k > 0 && values[k] < values[k - 1]; --k) std::swap(values[k], values[k - 1]);
  }
  return (values[(count - 1) / 2] + values[count / 2]) / 2.0;
}

double Spread(Values values, size_t count, double median) {
  for (size_t i = 0; i < count; ++i) values[i] = std::abs(values[i] - median);
  return kDeviation * Median(values, count);
}

struct Vote {
  size_t voter;
  double dx;
  double dy;
  double weight;
  /// Votes of this one agree within this distance.
  double radius;
};

/// What of each voter speaks for a displacement: the sum of its best agreeing votes, how many voters that are, and the
/// mean of their displacements. Votes of one voter are neighbours in `votes`.
struct Support {
  double weight = 0.0;
  size_t voters = 0;
  double dx = 0.0;
  double dy = 0.0;
};

Support SupportOf(const Vote& candidate, const std::vector<Vote>& votes) {
  Support support;
  for (size_t first = 0; first < votes.size();) {
    const Vote* best = nullptr;
    size_t next = first;
    for (; next < votes.size() && votes[next].voter == votes[first].voter; ++next) {
      const Vote& vote = votes[next];
      if (std::hypot(vote.dx - candidate.dx, vote.dy - candidate.dy) > vote.radius) continue;
      if (best == nullptr || vote.weight > best->weight) best = &vote;
    }
    first = next;
    if (best == nullptr) continue;
    support.weight += best->weight;
    support.dx += best->weight * best->dx;
    support.dy += best->weight * best->dy;
    ++support.voters;
  }
  if (support.weight > 0.0) {
    support.dx /= support.weight;
    support.dy /= support.weight;
  }
  return support;
}

/// What an object covers is learnt within about these times, where it grows and where it shrinks: what shrinks may only
/// be going behind something.
constexpr double kGrowMs = 300.0;
constexpr double kShrinkMs = 5000.0;
/// An object shows itself whole from this share of its area on.
constexpr double kWholeShare = 0.8;

}  // namespace

void Tracker::FindMovers() {
  movers_.clear();
  for (const Track& track : tracks_) {
    if (track.state != TrackState::kTracked || !track.seen || track.hits < kKnownHits) continue;
    const MotionFilter& filter = track.filter;
    const double moved = std::hypot(filter.x.position - track.begin_x, filter.y.position - track.begin_y);
    // The belt itself, its rails and what lies beside it stand still.
    if (options_.one_motion && moved < kMoved * filter.Size()) continue;
    movers_.push_back({filter.x.position, filter.y.position, {filter.x.velocity, filter.y.velocity}});
  }
  if (!options_.one_motion || movers_.empty()) return;
  const auto middle = movers_.begin() + static_cast<ptrdiff_t>(movers_.size() / 2);
  const auto median = [&](double Velocity::*axis) {
    const auto slower = [&](const Mover& a, const Mover& b) { return a.velocity.*axis < b.velocity.*axis; };
    std::nth_element(movers_.begin(), middle, movers_.end(), slower);
    return middle->velocity.*axis;
  };
  shared_motion_ = Velocity{median(&Velocity::x), median(&Velocity::y)};
}

/// The median velocity of the nearest tracks that know theirs, where they move as one; else 0.
Surroundings Tracker::MotionAround(const Track& track) const {
  if (options_.one_motion) return shared_motion_ ? Surroundings{*shared_motion_, 0.0} : Surroundings{};
  std::array<std::pair<double, size_t>, kNeighbours> nearest;
  size_t count = 0;
  for (size_t i = 0; i < movers_.size(); ++i) {
    const double dx = movers_[i].x - track.filter.x.position;
    const double dy = movers_[i].y - track.filter.y.position;
    std::pair<double, size_t> candidate{dx * dx + dy * dy, i};
    if (count == kNeighbours && nearest[count - 1] < candidate) continue;
    for (size_t k = 0; k < count; ++k) {
      if (candidate < nearest[k]) std::swap(candidate, nearest[k]);
    }
    if (count < kNeighbours) nearest[count++] = candidate;
  }
  if (count < kLeastNeighbours) return {};
  Values vx{};
  Values vy{};
  for (size_t k = 0; k < count; ++k) {
    vx[k] = movers_[nearest[k].second].velocity.x;
    vy[k] = movers_[nearest[k].second].velocity.y;
  }
  const Velocity median{Median(vx, count), Median(vy, count)};
  const double spread = std::hypot(Spread(vx, count, median.x), Spread(vy, count, median.y));
  if (spread > kOneMotion * std::hypot(median.x, median.y)) return {};
  return {median, spread};
}

/// How the objects of the previous frame have moved in `frames` nominal frames when none of them knows its velocity:
/// the displacement that takes most of them to objects that look like them. 0 where fewer than half agree, or fewer
/// than three unless all move alike.
Velocity Tracker::FirstMotion(double frames) const {
  if (frames <= 0.0 || !movers_.empty() || shared_motion_) return {};
  std::vector<Vote> votes;
  size_t voters = 0;
  for (size_t i = 0; i < tracks_.size() && voters < kVoters; ++i) {
    const Track& track = tracks_[i];
    // What the border cuts has no centroid to go by.
    if (track.hits != 1 || !track.seen || track.border) continue;
    const double size = track.filter.Size();
    const double usual = kPriorSpeed * frames * size;
    std::array<Vote, kVotesEach> best;
    size_t count = 0;
    for (const Detection& detection : detections_) {
      if (detection.score < options_.birth_score || detection.border) continue;
      const double dx = detection.cx - track.filter.x.position;
      const double dy = detection.cy - track.filter.y.position;
      const double distance = (dx * dx + dy * dy) / (usual * usual);
      if (distance > 9.0) continue;
      Vote vote{i, dx, dy, Looks(track, detection) * std::exp(-distance / 2.0), kAgreeing * size};
      if (vote.weight <= 0.0) continue;
      for (size_t k = 0; k < count; ++k) {
        if (vote.weight > best[k].weight) std::swap(vote, best[k]);
      }
      if (count < kVotesEach) best[count++] = vote;
    }
    ++voters;
    votes.insert(votes.end(), best.begin(), best.begin() + static_cast<ptrdiff_t>(count));
  }
  Support most;
  for (const Vote& candidate : votes) {
    const Support support = SupportOf(candidate, votes);
    if (support.weight > most.weight) most = support;
  }
  const size_t least = options_.one_motion ? 1 : kLeastNeighbours;
  if (most.voters < least || 2 * most.voters < voters) return {};
  return {most.dx / frames, most.dy / frames};
}

/// What the frame should show of the expected box. Of an object that one side of the frame cuts, that side of the box
/// stays there: more or less of the object comes to sight at the other.
TrackBox Tracker::VisibleBox(const Track& track) const {
  const double right = grid_.width;
  const double bottom = grid_.height;
  TrackBox box = track.expected;
  if (track.cut.left) box.x1 = 0.0;
  if (track.cut.right) box.x2 = right;
  if (track.cut.left != track.cut.right) {
    if (track.cut.left) box.x2 = track.filter.x.position + track.reach.x2;
    if (track.cut.right) box.x1 = track.filter.x.position + track.reach.x1;
  }
  if (track.cut.top) box.y1 = 0.0;
  if (track.cut.bottom) box.y2 = bottom;
  if (track.cut.top != track.cut.bottom) {
    if (track.cut.top) box.y2 = track.filter.y.position + track.reach.y2;
    if (track.cut.bottom) box.y1 = track.filter.y.position + track.reach.y1;
  }
  return {std::max(box.x1, 0.0), std::max(box.y1, 0.0), std::min(box.x2, right), std::min(box.y2, bottom)};
}

/// The centroid of an object that one side of the frame cuts moves at about half its speed; its other edge tells the
/// motion. Moves the prediction so that the filter's innovation is that of the edge.
void Tracker::FollowFreeEdges(Track& track, const Detection& detection) const {
  const auto follow = [](AxisFilter& axis, double centroid, double edge, double reach) {
    axis.position = centroid - (edge - (axis.position + reach));
  };
  const Sides& before = track.cut;
  const Sides& now = detection.cut;
  const bool left = before.left || now.left;
  const bool right = before.right || now.right;
  if (left != right) {
    follow(track.filter.x, detection.cx, left ? detection.box.x2 : detection.box.x1,
           left ? track.reach.x2 : track.reach.x1);
  }
  const bool top = before.top || now.top;
  const bool bottom = before.bottom || now.bottom;
  if (top != bottom) {
    follow(track.filter.y, detection.cy, top ? detection.box.y2 : detection.box.y1,
           top ? track.reach.y2 : track.reach.y1);
  }
}

/// Of an object that is seen with `area`, whether that is all of it, and how it moves while it is.
void Tracker::LearnWhole(Track& track, double area) const {
  if (track.whole_area <= 0.0) {
    track.whole_area = area;
  } else if (area > 0.0) {
    const double change = std::log(area / track.whole_area);
    const double share = std::min(1.0, dt_ms_ / (change > 0.0 ? kGrowMs : kShrinkMs));
    track.whole_area *= std::exp(share * std::max(change, std::log(kWholeShare / 2.0)));
  }
  track.whole = area >= kWholeShare * track.whole_area;
  if (track.whole) track.whole_filter = track.filter;
}

/// An object that was hidden bit by bit was last known when it was whole: its last pieces tell neither its size nor its
/// way. Its track goes on from there.
void Tracker::GoOnAsWhole(Track& track) const {
  track.filter = track.whole_filter;
  track.area = track.whole_area;
  track.masked = false;
  track.border = false;
  track.cut = {};
  track.box_dx = 0.0;
  track.box_dy = 0.0;
  track.whole = true;
}

}  // namespace fastsamd
