#include "core/track.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/color.h"
#include "core/track_records.h"

namespace fastsamd {
namespace {

/// A gap between frames from which on nothing is extrapolated.
constexpr double kStallMs = 1000.0;
/// Correlation of the frames before and after a stall that show one scene.
constexpr double kSameScene = 0.6;
/// Frames that come slower than this are too rare to wait for a second sighting of an object that the network is sure
/// of.
constexpr double kPromptMs = 100.0;
/// A carried mask is looked for in the expected box and this share of its sides around it.
constexpr double kCarryMargin = 0.05;

/// Area and centroid of runs, exactly.
struct Moments {
  double area = 0.0;
  double cx = 0.0;
  double cy = 0.0;
};

Moments MomentsOf(const Run* runs, size_t count, int frame_height) {
  const int64_t height = frame_height;
  int64_t area = 0;
  int64_t sum_x = 0;
  int64_t sum_y = 0;
  for (size_t k = 0; k < count; ++k) {
    for (int64_t start = runs[k].start; start < runs[k].end;) {
      const int64_t x = start / height;
      const int64_t end = std::min<int64_t>(runs[k].end, (x + 1) * height);
      const int64_t length = end - start;
      const int64_t top = start - x * height;
      area += length;
      sum_x += length * x;
      sum_y += length * (2 * top + length - 1);
      start = end;
    }
  }
  if (area == 0) return {};
  const auto n = static_cast<double>(area);
  return {n, static_cast<double>(sum_x) / n + 0.5, static_cast<double>(sum_y) / (2.0 * n) + 0.5};
}

}  // namespace

Status Validate(const TrackOptions& options) {
  const auto score = [](float value) { return value >= 0.0F && value <= 1.0F; };
  if (!score(options.continue_score) || !score(options.strong_score) || !score(options.birth_score) ||
      !(options.keep_ms >= 0.0) || !(options.keep_ms <= 600000.0) || !(options.reconnect_keep_ms >= 0.0) ||
      !(options.reconnect_keep_ms <= 3600000.0)) {
    return Error{ErrorCode::kMisuse,
                 "expected scores of 0 to 1, keepMs of 0 to 600000 and reconnectKeepMs of 0 to 3600000 to track with"};
  }
  return Ok();
}

Tracker::Tracker(const TrackOptions& options) : options_(options), next_id_(options.first_id) {}
Tracker::~Tracker() = default;

void Tracker::Reset() {
  tracks_.clear();
  shared_motion_.reset();
  time_ns_.reset();
  last_luma_.clear();
}

Result<TrackOutput> Tracker::Update(const TrackInput& input) {
  const Segments& segments = *input.segments;
  if (input.image != nullptr && (input.image->width != segments.width || input.image->height != segments.height)) {
    return Error{ErrorCode::kMisuse, "expected a frame of the segments' size to track in"};
  }
  TrackOutput output;
  if (segments.width != grid_.width || segments.height != grid_.height) {
    if (grid_.width != 0) output.reset = TrackReset::kSize;
    Reset();
    grid_ = MakeCellGrid(segments.width, segments.height);
  }
  if (input.image != nullptr) SampleCells(*input.image, grid_, samples_);
  Advance(input, output);
  ReadDetections(input);
  Predict(input);
  track_of_.assign(detections_.size(), kNoTrack);
  const float weak = options_.continue_score;
  const float strong = std::max(options_.strong_score, weak);
  constexpr float kNoLimit = 2.0F;
  Assign(input, {false, true, strong, kNoLimit, 0.2, 0.3}, output);
  if (weak < strong) Assign(input, {false, false, weak, strong, 0.5, 0.0}, output);
  SetSparesAside();
  Assign(input, {true, false, strong, kNoLimit, 0.3, 0.0}, output);
  Reacquire(input, output);
  Begin(input, output);
  MergeTwins(input);
  EndTracks(input, output);
  FindParents();
  Report(output);
  if (input.image != nullptr) std::swap(last_luma_, samples_.luma);
  return output;
}

/// Time: how long since the last frame, and whether that frame still says anything about this one.
void Tracker::Advance(const TrackInput& input, TrackOutput& output) {
  const double dt_ms = time_ns_ ? static_cast<double>(input.time_ns - *time_ns_) / 1e6 : 0.0;
  stalled_ = dt_ms > kStallMs;
  if (dt_ms < 0.0 || dt_ms > std::max(options_.reconnect_keep_ms, kStallMs)) {
    output.reset = TrackReset::kTime;
    Reset();
  } else if (stalled_ && !input.motion && input.image != nullptr && last_luma_.size() == samples_.luma.size() &&
             SceneLikeness(last_luma_, samples_.luma) < kSameScene) {
    output.reset = TrackReset::kScene;
    Reset();
  }
  slow_ = !time_ns_ || dt_ms > kPromptMs;
  dt_ms_ = time_ns_ ? std::min(dt_ms, kStallMs) : 0.0;
  time_ns_ = input.time_ns;
  // What moves as it likes is farther from where it is expected the longer ago it was seen; colours and shapes, which
  // masks bring, then tell enough.
  const double rare = input.segments->runs.empty() ? 1.0 : std::clamp(kPromptMs / std::max(dt_ms_, 1.0), 0.5, 1.0);
  demand_ = stalled_ ? 0.5 : std::min(rare, input.motion_unsure ? 1.0 / 1.5 : 1.0);
  if (input.model != model_) {
    for (Track& track : tracks_) track.has_coefficients = false;
    model_ = input.model;
  }
}

void Tracker::ReadDetections(const TrackInput& input) {
  const Segments& segments = *input.segments;
  detections_.clear();
  detections_.resize(segments.count());
  boxes_.Build(segments.boxes.data(), segments.count());
  cells_.clear();
  for (size_t i = 0; i < detections_.size(); ++i) {
    Detection& detection = detections_[i];
    const float* box = segments.boxes.data() + 4 * i;
    detection.box = {box[0], box[1], box[2], box[3]};
    detection.score = segments.scores[i];
    const auto width = static_cast<float>(segments.width);
    const auto height = static_cast<float>(segments.height);
    detection.border = box[0] <= 1.0F || box[1] <= 1.0F || box[2] >= width - 1.0F || box[3] >= height - 1.0F;
    // Boxes that reach beyond the frame are those of detectors that guess the whole.
    const auto cuts = [](float side, float border) { return std::abs(side - border) <= 1.0F; };
    detection.cut = {cuts(box[0], 0.0F), cuts(box[1], 0.0F), cuts(box[2], width), cuts(box[3], height)};
    detection.cx = (detection.box.x1 + detection.box.x2) / 2.0;
    detection.cy = (detection.box.y1 + detection.box.y2) / 2.0;
    detection.area = detection.box.Area();
    if (!segments.coefficients.empty()) {
      detection.coefficients = segments.coefficients.data() + i * kCoefficients;
      detection.coefficient_energy = DotProduct(detection.coefficients, detection.coefficients);
    }
    const Run* runs = segments.runs.data() + segments.offsets[i];
    const size_t count = segments.offsets[i + 1] - segments.offsets[i];
    if (count == 0) continue;
    const Moments moments = MomentsOf(runs, count, segments.height);
    detection.cx = moments.cx;
    detection.cy = moments.cy;
    detection.area = moments.area;
    detection.first_word = cells_.size();
    detection.cells = AppendCells(grid_, runs, count, cells_);
  }
  for (Detection& detection : detections_) {
    detection.cells.bits = cells_.data() + detection.first_word;
    if (input.image != nullptr) detection.colours = ColoursOf(grid_, detection.cells, samples_);
  }
}

void Tracker::Predict(const TrackInput& input) {
  const double frames = stalled_ ? 0.0 : dt_ms_ * kNominalRate / 1000.0;
  const double gap = dt_ms_ * kNominalRate / 1000.0;
  std::unordered_map<uint32_t, size_t> carried;
  const Carried& masks = input.segments->carried;
  for (size_t k = 0; k < masks.ids.size(); ++k) carried.emplace(masks.ids[k], k);
  FindMovers();
  std::vector<Surroundings> others(tracks_.size());
  const Velocity first = FirstMotion(frames);
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const Track& track = tracks_[i];
    const bool is_new = track.hits == 1 && track.seen;
    if (is_new && movers_.empty() && !shared_motion_) {
      others[i].velocity = first;
    } else if (is_new || !track.seen || !track.whole) {
      others[i] = MotionAround(track);
    }
  }
  for (size_t i = 0; i < tracks_.size(); ++i) {
    Track& track = tracks_[i];
    if (stalled_ && track.state == TrackState::kTracked) track.state = TrackState::kLost;
    if (track.hits == 1 && track.seen) {
      track.filter.x.velocity = others[i].velocity.x;
      track.filter.y.velocity = others[i].velocity.y;
    }
    track.seen = false;
    const bool lost = track.state == TrackState::kLost;
    track.filter.Predict(frames, !lost, others[i].velocity);
    if (lost && others[i].spread) {
      track.filter.LimitDrift(*others[i].spread);
      track.straight = others[i].velocity;
    }
    track.straight_x += frames * track.straight.x;
    track.straight_y += frames * track.straight.y;
    if (!track.whole) track.whole_filter.Predict(frames, true, {});
    if (!track.whole && others[i].spread) track.whole_filter.LimitDrift(*others[i].spread);
    if (input.motion) {
      track.filter.Warp(*input.motion);
      if (!track.whole) track.whole_filter.Warp(*input.motion);
      const double x = input.motion->X(track.mask_x, track.mask_y);
      track.mask_y = input.motion->Y(track.mask_x, track.mask_y);
      track.mask_x = x;
      const double straight_x = input.motion->X(track.straight_x, track.straight_y);
      track.straight_y = input.motion->Y(track.straight_x, track.straight_y);
      track.straight_x = straight_x;
      const Affine& turn = *input.motion;
      track.straight = {turn.xx * track.straight.x + turn.xy * track.straight.y,
                        turn.yx * track.straight.x + turn.yy * track.straight.y};
      const double scale = input.motion->Scale();
      track.area *= scale * scale;
      track.whole_area *= scale * scale;
      track.box_dx *= scale;
      track.box_dy *= scale;
      for (double* side : {&track.reach.x1, &track.reach.y1, &track.reach.x2, &track.reach.y2}) *side *= scale;
    }
    track.gap += gap;
    track.age_ms += dt_ms_;
    track.unseen_ms += dt_ms_;
    const MotionFilter& filter = track.filter;
    const double cx = filter.x.position + track.box_dx;
    const double cy = filter.y.position + track.box_dy;
    const double half_width = std::max(filter.width.position, 1.0) / 2.0;
    const double half_height = std::max(filter.height.position, 1.0) / 2.0;
    track.expected = {cx - half_width, cy - half_height, cx + half_width, cy + half_height};
    track.visible = VisibleBox(track);
    if (!track.masked) continue;
    const auto found = track.id != 0 ? carried.find(track.id) : carried.end();
    if (found != carried.end()) {
      const uint32_t first = masks.offsets[found->second];
      const uint32_t end = masks.offsets[found->second + 1];
      track.moved_words.clear();
      track.moved = AppendCells(grid_, masks.runs.data() + first, end - first, track.moved_words);
      track.moved.bits = track.moved_words.data();
      // A carried mask that grew or shrank a lot has drifted onto something else.
      if (track.moved.count >= 0.4 * track.cells.count && track.moved.count <= 2.5 * track.cells.count) continue;
    }
    const auto cells = [&](double pixels) { return static_cast<int>(std::lround(pixels / grid_.cell)); };
    track.moved = MoveCells(grid_, track.cells, cells(filter.x.position - track.mask_x),
                            cells(filter.y.position - track.mask_y), track.moved_words);
  }
}

void Tracker::Report(TrackOutput& output) const {
  const size_t count = detections_.size();
  output.ids.assign(count, 0);
  output.parents.assign(count, 0);
  output.ages_ms.assign(count, 0.0F);
  output.velocities.assign(2 * count, 0.0F);
  const auto per_second = [](const AxisFilter& axis) { return static_cast<float>(axis.velocity * kNominalRate); };
  for (size_t j = 0; j < count; ++j) {
    if (track_of_[j] == kNoTrack) continue;
    const Track& track = tracks_[track_of_[j]];
    if (track.id == 0) continue;
    output.ids[j] = track.id;
    output.parents[j] = track.parent;
    output.ages_ms[j] = static_cast<float>(track.age_ms);
    output.velocities[2 * j] = per_second(track.filter.x);
    output.velocities[2 * j + 1] = per_second(track.filter.y);
  }
  for (const Track& track : tracks_) {
    if (track.state == TrackState::kTracked) ++output.live;
    if (track.state != TrackState::kLost) continue;
    output.lost.push_back(
        {track.id, track.expected, track.unseen_ms, per_second(track.filter.x), per_second(track.filter.y)});
  }
}

std::vector<CarryRequest> Tracker::Carry(const std::vector<uint32_t>& wanted, size_t most) const {
  std::vector<const Track*> order;
  for (const Track& track : tracks_) {
    if (track.id != 0 && track.has_coefficients) order.push_back(&track);
  }
  const auto rank = [&](const Track& track) {
    if (std::find(wanted.begin(), wanted.end(), track.id) != wanted.end()) return 0;
    return track.state == TrackState::kLost ? 1 : 2;
  };
  std::stable_sort(order.begin(), order.end(), [&](const Track* a, const Track* b) { return rank(*a) < rank(*b); });
  std::vector<CarryRequest> requests;
  for (const Track* track : order) {
    if (requests.size() >= most) break;
    const double frames = dt_ms_ * kNominalRate / 1000.0;
    const double dx = frames * track->filter.x.velocity;
    const double dy = frames * track->filter.y.velocity;
    const TrackBox& box = track->state == TrackState::kLost ? track->expected : track->last_box;
    const double margin_x = kCarryMargin * (box.x2 - box.x1);
    const double margin_y = kCarryMargin * (box.y2 - box.y1);
    const auto side = [](double value) { return static_cast<float>(value); };
    requests.push_back({track->id,
                        {side(box.x1 + dx - margin_x), side(box.y1 + dy - margin_y), side(box.x2 + dx + margin_x),
                         side(box.y2 + dy + margin_y)},
                        track->coefficients});
  }
  return requests;
}

}  // namespace fastsamd
