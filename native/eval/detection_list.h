#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace fastsamd {

/// How a detection's mask is written.
enum class ShapeKind : uint8_t {
  kNone = 0,
  /// COCO's compressed run lengths: the text is `counts`, without JSON's escapes.
  kCompressed = 1,
  /// COCO's plain run lengths: the text is `counts` as JSON, a list of whole numbers.
  kCounts = 2,
  /// The text is the polygon as JSON: a list of rings, each a list of finite numbers.
  kPolygon = 3,
};

/// Detections in columns, one element each where nothing else is said.
struct DetectionBlock {
  std::vector<double> pictures;
  std::vector<double> categories;
  std::vector<double> scores;
  /// x, y, width, height; NaN where a detection has no box.
  std::vector<double> boxes;
  std::vector<ShapeKind> kinds;
  /// Height and width of run lengths; 0 otherwise.
  std::vector<uint32_t> sizes;
  /// Texts of all masks, one behind the other, and where each ends.
  std::vector<uint8_t> text;
  std::vector<uint32_t> text_ends;
};

/// Reads COCO's results format, a JSON list of {image_id, category_id, score, bbox and/or segmentation}, from any
/// number of pieces of a file. Strict: only JSON, ids are whole numbers that a double holds, scores and boxes are
/// finite. Unknown members are checked and skipped; of a member that is there twice the last counts; null, and an empty
/// list as bbox or segmentation, count as absent. Memory: the entry that a piece cuts, at most kMaxEntryBytes.
class DetectionListReader {
 public:
  /// An entry may take so much: a mask's run lengths take some kilobytes.
  static constexpr size_t kMaxEntryBytes = size_t{64} * 1024 * 1024;
  /// A piece may take so much.
  static constexpr size_t kMaxPieceBytes = size_t{64} * 1024 * 1024;

  /// The detections that `piece` completes. Errors: kDatasetInvalid, with the number of the wrong entry, from 0; the
  /// reader must not be used further then.
  Result<DetectionBlock> Push(const char* piece, size_t size);

  /// Errors: kDatasetInvalid unless the list has ended.
  Status Finish() const;

 private:
  enum class Place { kBeforeList, kFirstEntry, kEntry, kBehindEntry, kBehindList };

  /// What the last piece began and did not end.
  std::string held_;
  Place place_ = Place::kBeforeList;
  uint64_t entries_ = 0;
  /// Bytes of the file before `held_`.
  uint64_t offset_ = 0;
};

}  // namespace fastsamd
