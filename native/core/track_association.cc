// Which object of a frame continues which track: how alike they are, and the matching of most likeness.

#include <algorithm>
#include <cmath>

#include "core/track.h"
#include "core/track_records.h"

namespace fastsamd {
namespace {

/// Spread of the logarithm of an object's area from frame to frame.
constexpr double kSizeSpread = 0.4;
/// The spread stops growing with the gap here, in nominal frames.
constexpr double kMaxSpreadGap = 9.0;
/// Coefficients of one object stay alike for about this many nominal frames.
constexpr double kCoefficientFrames = 6.0;
/// From so many nominal frames on an object may have bent or turned.
constexpr double kRigidFrames = 3.0;
/// Candidates of one track: bounds the work when everything overlaps.
constexpr size_t kMaxCandidates = 16;
/// What a followed track that is lost asks for: a wrong object is worse than none.
constexpr double kFollowedLeast = 0.4;
/// The matching counts in whole numbers, so that every machine breaks ties alike.
constexpr double kWeightScale = 1e6;

/// 1 where a colour is unknown.
double ColourLikeness(const Colours& a, const Colours& b) {
  const double alike = Alike(a, b);
  if (alike < 0.0) return 1.0;
  const double squared = alike * alike;
  return squared * squared * squared * squared;
}

}  // namespace

/// How much an object looks like the track, 0..1, and lies where the track is expected:
///   (box IoU + mask IoU) / 2 * looks
/// Of an object that enters or leaves the frame, the mask grows or shrinks, and what bends or turns has another mask
/// after a while, so that the box alone may speak for these.
/// 0 where it is below `least`: most candidates are, and their cheap factors tell already.
double Tracker::Likeness(const Track& track, const Detection& detection, double box_iou, double least) const {
  const bool masks = track.masked && track.moved.count >= kMinCells && detection.cells.count >= kMinCells;
  const auto overlap = [&](double mask_iou) {
    const double both = (box_iou + mask_iou) / 2.0;
    return track.cut.Any() || track.gap > kRigidFrames ? std::max(box_iou, both) : both;
  };
  // Masks overlap at most as one that lies in the other.
  const auto [fewer, more] = std::minmax(track.moved.count, detection.cells.count);
  const double most = masks ? overlap(static_cast<double>(fewer) / more) : box_iou;
  double looks = SizeLikeness(track, detection) * ShapeLikeness(track, detection);
  if (most * looks < least) return 0.0;
  looks *= ColourLikeness(track.colours, detection.colours);
  if (most * looks < least) return 0.0;
  const double likeness = looks * (masks ? overlap(CellIou(grid_, track.moved, detection.cells)) : box_iou);
  return likeness < least ? 0.0 : likeness;
}

/// How much an object looks like the track wherever it lies, 0..1: size * colour^8 * shape.
double Tracker::Looks(const Track& track, const Detection& detection) const {
  return SizeLikeness(track, detection) * ShapeLikeness(track, detection) *
         ColourLikeness(track.colours, detection.colours);
}

/// exp(-ln^2(area / area before) / (2 * spread^2 * gap)) keeps parts from being taken for their whole. 1 where the
/// border of the frame hides how large something is.
double Tracker::SizeLikeness(const Track& track, const Detection& detection) const {
  if (track.border || detection.border || track.area <= 0.0 || detection.area <= 0.0) return 1.0;
  const double difference = std::log(detection.area / track.area);
  const double spread = kSizeSpread * kSizeSpread * std::clamp(track.gap, 1.0, kMaxSpreadGap);
  return std::exp(-difference * difference / (2.0 * spread));
}

/// Falls with the angle between the mask coefficients; 1 where they are unknown or too old to say something.
double Tracker::ShapeLikeness(const Track& track, const Detection& detection) const {
  if (!track.has_coefficients || detection.coefficients == nullptr || track.gap > kCoefficientFrames) return 1.0;
  const double energy = track.coefficient_energy * detection.coefficient_energy;
  const double product = DotProduct(track.coefficients.data(), detection.coefficients);
  const double cosine = energy > 0.0 ? product / std::sqrt(energy) : 0.0;
  return std::clamp((cosine - 0.4) / 0.6, 0.0, 1.0);
}

bool Tracker::Takes(const Stage& stage, const Track& track) const {
  if (track.seen) return false;
  if (track.state == TrackState::kTentative) return stage.tentative;
  return !stage.tentative && (stage.lost || track.state == TrackState::kTracked);
}

void Tracker::Assign(const TrackInput& input, const Stage& stage, TrackOutput& output) {
  stage_tracks_.clear();
  for (size_t i = 0; i < tracks_.size(); ++i) {
    if (Takes(stage, tracks_[i])) stage_tracks_.push_back(i);
  }
  if (stage_tracks_.empty()) return;
  edges_.clear();
  for (size_t row = 0; row < stage_tracks_.size(); ++row) {
    const Track& track = tracks_[stage_tracks_[row]];
    const double gate = track.gap > 2.0 || demand_ < 1.0 ? 0.0 : 0.05;
    const bool careful = track.state == TrackState::kLost && IsFollowed(input, track.id);
    const double least = careful ? kFollowedLeast : stage.least;
    candidates_.clear();
    const TrackBox around{std::min(track.expected.x1, track.visible.x1), std::min(track.expected.y1, track.visible.y1),
                          std::max(track.expected.x2, track.visible.x2), std::max(track.expected.y2, track.visible.y2)};
    boxes_.ForOverlapping(around, [&](size_t j) {
      const Detection& detection = detections_[j];
      if (track_of_[j] != kNoTrack || detection.spare) return;
      if (detection.score < stage.from || detection.score >= stage.to) return;
      const bool guessed = detection.border && !detection.cut.Any();
      const double iou = BoxIou(guessed ? track.expected : track.visible, detection.box);
      if (iou > gate) candidates_.emplace_back(iou, j);
    });
    if (candidates_.size() > kMaxCandidates) {
      std::nth_element(
          candidates_.begin(), candidates_.begin() + kMaxCandidates, candidates_.end(),
          [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
      candidates_.resize(kMaxCandidates);
    }
    for (const auto& [iou, j] : candidates_) {
      const double by_score = 1.0 - stage.score_weight + stage.score_weight * static_cast<double>(detections_[j].score);
      const double likeness = by_score * Likeness(track, detections_[j], iou, least * demand_ / by_score);
      if (likeness <= 0.0) continue;
      edges_.push_back({static_cast<int>(row), static_cast<int>(j),
                        std::max<int64_t>(1, static_cast<int64_t>(std::llround(likeness * kWeightScale)))});
    }
  }
  matcher_.Match(static_cast<int>(stage_tracks_.size()), static_cast<int>(detections_.size()), edges_, match_);
  for (size_t row = 0; row < stage_tracks_.size(); ++row) {
    if (match_[row] < 0) continue;
    Continue(tracks_[stage_tracks_[row]], detections_[static_cast<size_t>(match_[row])], output);
    track_of_[static_cast<size_t>(match_[row])] = stage_tracks_[row];
  }
}

}  // namespace fastsamd
