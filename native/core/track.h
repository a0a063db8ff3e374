#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/affine.h"
#include "core/appearance.h"
#include "core/cell_mask.h"
#include "core/decode.h"
#include "core/image.h"
#include "core/matching.h"
#include "core/segments.h"
#include "core/track_boxes.h"
#include "core/track_filter.h"

namespace fastsamd {

/// What differs between detectors and uses; everything else of the tracker is fixed.
struct TrackOptions {
  /// Least score with which an object continues a track.
  float continue_score = 0.1F;
  /// Below this score an object only continues a track that the last frame showed, and only in its place: of detectors
  /// whose scores tell objects from mistakes. 0: the scores of one object step too much for that, as FastSAM's do.
  float strong_score = 0.0F;
  /// Least score with which an object begins one.
  float birth_score = 0.4F;
  /// A confirmed track that is not seen for this long ends.
  double keep_ms = 2000.0;
  /// After a longer gap between frames the scene counts as another, and all tracks begin again; a second at least.
  double reconnect_keep_ms = 10000.0;
  /// Of the first track.
  uint32_t first_id = 1;
  /// For a camera that stands still over a belt: all objects that move have the same velocity, and new ones are
  /// expected to have it too.
  bool one_motion = false;
};

/// Errors: kMisuse out of range.
Status Validate(const TrackOptions& options);

enum class TrackState : uint8_t { kTentative, kTracked, kLost };

/// One frame's objects with all that is known about them.
struct TrackInput {
  /// Valid. Objects without runs are tracked by their boxes alone; coefficients and carried masks are used where they
  /// are.
  const Segments* segments = nullptr;
  /// Tells models apart: the coefficients of two never compare.
  uint64_t model = 0;
  /// Null: tracked without colours.
  const ImageView* image = nullptr;
  /// Where the previous frame's points lie in this one; nothing: the camera stands still.
  std::optional<Affine> motion;
  /// The motion is a guess, so objects may be further from where they are expected.
  bool motion_unsure = false;
  /// Ids of tracks that prompts follow: kept for `forget_ms` and found again by colour and size, see Reacquire.
  std::vector<uint32_t> followed;
  double forget_ms = 60000.0;
  /// Boxes of the previous frame's objects that a prompt matches and no track shows: weak ones begin tracks there, too.
  std::vector<TrackBox> asked;
  int64_t time_ns = 0;
};

/// Why the tracker began again, if it did.
enum class TrackReset : uint8_t { kNone, kTime, kSize, kScene };

struct LostTrack {
  uint32_t id;
  TrackBox box;
  double unseen_ms;
  float vx;
  float vy;
};

/// A track that was seen before it had an id.
struct NamedTrack {
  uint32_t id;
  /// Where it was first seen: its box, and the centroid of its mask.
  TrackBox box;
  double x;
  double y;
};

struct EndedTrack {
  uint32_t id;
  /// Where it was last seen.
  TrackBox box;
  double age_ms;
  /// It is expected outside of the frame.
  bool left;
};

/// What a frame's objects are called. Arrays have one element an object.
struct TrackOutput {
  /// 0: no track, or none that is confirmed yet.
  std::vector<uint32_t> ids;
  std::vector<uint32_t> parents;
  std::vector<float> ages_ms;
  /// [count, 2] pixels a second, without the camera's motion.
  std::vector<float> velocities;
  std::vector<LostTrack> lost;
  std::vector<EndedTrack> ended;
  /// Those that got their ids in this frame.
  std::vector<NamedTrack> named;
  /// Followed tracks that were found again by their looks, elsewhere than expected.
  std::vector<uint32_t> found;
  TrackReset reset = TrackReset::kNone;
  int live = 0;
  int born = 0;
  int reacquired = 0;
};

/// Gives the objects of one camera names that they keep. Deterministic: the same inputs give the same ids on every
/// machine. Holds at most kMaxTracks tracks; what an object leaves behind is freed with it. One call at a time.
///
/// Tracks are predicted by MotionFilter, compared by `Likeness` (boxes, masks, sizes, colours, coefficients) and
/// matched in stages by what the last frame made of them: confirmed tracks first (with strong objects, then those that
/// were seen with weak ones), then those that are not confirmed yet. One thing has one track: second masks of it are
/// set aside, and of two tracks that show one thing the lesser one ends.
class Tracker {
 public:
  static constexpr size_t kMaxTracks = 2048;

  explicit Tracker(const TrackOptions& options);
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

  /// Errors: kMisuse when an image is not of the segments' size.
  Result<TrackOutput> Update(const TrackInput& input);

  /// Coefficients and predicted boxes of tracks for the frame after the last: of lost tracks first, then of seen ones,
  /// at most `most`; `wanted` go before all others.
  std::vector<CarryRequest> Carry(const std::vector<uint32_t>& wanted, size_t most) const;

  /// Ends all tracks. Ids go on counting: none comes twice from one tracker.
  void Reset();

 private:
  struct Detection;
  struct Track;
  struct Stage;
  /// Where a track of the previous frame was whose velocity is known, and how it moved.
  struct Mover {
    double x;
    double y;
    Velocity velocity;
  };

  void Advance(const TrackInput& input, TrackOutput& output);
  void ReadDetections(const TrackInput& input);
  void Predict(const TrackInput& input);
  void FindMovers();
  Surroundings MotionAround(const Track& track) const;
  Velocity FirstMotion(double frames) const;
  TrackBox VisibleBox(const Track& track) const;
  void Assign(const TrackInput& input, const Stage& stage, TrackOutput& output);
  bool Takes(const Stage& stage, const Track& track) const;
  double SizeLikeness(const Track& track, const Detection& detection) const;
  double ShapeLikeness(const Track& track, const Detection& detection) const;
  double Looks(const Track& track, const Detection& detection) const;
  double Likeness(const Track& track, const Detection& detection, double box_iou, double least) const;
  bool AreSame(const Detection& a, const Detection& b) const;
  bool IsContested(const Detection& detection) const;
  void SetSparesAside();
  void MergeTwins(const TrackInput& input);
  void Reacquire(const TrackInput& input, TrackOutput& output);
  void FollowFreeEdges(Track& track, const Detection& detection) const;
  void Continue(Track& track, const Detection& detection, TrackOutput& output);
  void Remember(Track& track, const Detection& detection) const;
  bool IsAsked(const TrackInput& input, const Detection& detection) const;
  void Begin(const TrackInput& input, TrackOutput& output);
  void LearnWhole(Track& track, double area) const;
  void GoOnAsWhole(Track& track) const;
  void EndTracks(const TrackInput& input, TrackOutput& output);
  void FindParents();
  void Report(TrackOutput& output) const;

  TrackOptions options_;
  CellGrid grid_;
  uint64_t model_ = 0;
  std::optional<int64_t> time_ns_;
  /// Since the previous frame, at most kStallMs.
  double dt_ms_ = 0.0;
  /// The previous frame is so long ago that nothing is extrapolated.
  bool stalled_ = false;
  /// The next frame may be long in coming, or none came before this one.
  bool slow_ = false;
  /// Factor on what an object must reach to be taken for a track; below 1 where the prediction is poor.
  double demand_ = 1.0;
  uint32_t next_id_ = 1;
  std::vector<Track> tracks_;
  std::vector<Mover> movers_;
  /// With one_motion: the median velocity when a track was last seen to move.
  std::optional<Velocity> shared_motion_;
  std::vector<Detection> detections_;
  /// Of the boxes of the detections.
  BoxIndex boxes_;
  std::vector<uint64_t> cells_;
  std::vector<uint64_t> carried_cells_;
  CellColours samples_;
  std::vector<uint8_t> last_luma_;
  /// Per detection: the track that it continues or begins, or kNoTrack.
  std::vector<size_t> track_of_;
  std::vector<WeightedEdge> edges_;
  std::vector<std::pair<double, size_t>> candidates_;
  std::vector<int> match_;
  std::vector<size_t> stage_tracks_;
  Matcher matcher_;
};

}  // namespace fastsamd
