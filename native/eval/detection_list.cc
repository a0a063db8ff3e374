#include "eval/detection_list.h"

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "eval/json_text.h"

namespace fastsamd {
namespace {

constexpr double kLargestId = 9'007'199'254'740'991;  // 2^53 - 1
constexpr double kLargestSide = 1'000'000'000;
/// Of a wrong value, so much is quoted.
constexpr size_t kQuotedBytes = 40;

Error Invalid(std::string message) { return {ErrorCode::kDatasetInvalid, std::move(message)}; }

bool IsList(std::string_view value) { return !value.empty() && value.front() == '['; }
bool IsObject(std::string_view value) { return !value.empty() && value.front() == '{'; }
bool IsString(std::string_view value) { return !value.empty() && value.front() == '"'; }

/// The number that a JSON value is; nothing for any other value.
std::optional<double> NumberOf(std::string_view value) {
  if (value.empty() || (value.front() != '-' && (value.front() < '0' || value.front() > '9'))) return std::nullopt;
  return JsonNumber(value);
}

/// As NumberOf, for whole numbers that a double holds.
std::optional<double> IdOf(std::string_view value) {
  const std::optional<double> number = NumberOf(value);
  if (!number || std::abs(*number) > kLargestId || std::trunc(*number) != *number) return std::nullopt;
  return number;
}

/// Calls `visit` with each value of a JSON list that is known to be whole; false as soon as `visit` is.
template <typename Visit>
bool EachOf(std::string_view list, Visit visit) {
  JsonText text(list);
  text.Advance();
  text.SkipBlanks();
  while (!text.Take(']')) {
    const size_t begin = text.position();
    static_cast<void>(text.SkipValue());
    if (!visit(text.From(begin))) return false;
    text.SkipBlanks();
    if (text.Take(',')) text.SkipBlanks();
  }
  return true;
}

/// The members of a JSON object, known to be whole, that have one of `names`; empty for those that are not there, or
/// null.
template <size_t kCount>
std::array<std::string_view, kCount> MembersOf(std::string_view object,
                                               const std::array<std::string_view, kCount>& names) {
  std::array<std::string_view, kCount> members;
  JsonText text(object);
  text.Advance();
  text.SkipBlanks();
  while (!text.Take('}')) {
    const size_t key_begin = text.position();
    static_cast<void>(text.SkipValue());
    const std::string_view quoted = text.From(key_begin);
    const std::string_view plain = quoted.substr(1, quoted.size() - 2);
    const bool has_escapes = plain.find('\\') != std::string_view::npos;
    const std::string unescaped = has_escapes ? JsonString(quoted) : std::string();
    text.SkipBlanks();
    text.Advance();  // the colon
    text.SkipBlanks();
    const size_t begin = text.position();
    static_cast<void>(text.SkipValue());
    for (size_t k = 0; k < kCount; ++k) {
      if ((has_escapes ? std::string_view(unescaped) : plain) != names[k]) continue;
      members[k] = text.From(begin);
      if (members[k] == "null") members[k] = {};
    }
    text.SkipBlanks();
    if (text.Take(',')) text.SkipBlanks();
  }
  return members;
}

bool IsEmptyList(std::string_view value) {
  if (!IsList(value)) return false;
  JsonText text(value);
  text.Advance();
  text.SkipBlanks();
  return text.Take(']');
}

bool ReadBox(std::string_view value, std::array<double, 4>& box) {
  size_t count = 0;
  return IsList(value) &&
         EachOf(value,
                [&](std::string_view element) {
                  const std::optional<double> number = NumberOf(element);
                  if (!number || !std::isfinite(*number) || count == box.size()) return false;
                  box[count++] = *number;
                  return true;
                }) &&
         count == box.size();
}

bool IsPolygon(std::string_view value) {
  return IsList(value) && EachOf(value, [](std::string_view ring) {
           return IsList(ring) && EachOf(ring, [](std::string_view element) {
                    const std::optional<double> number = NumberOf(element);
                    return number && std::isfinite(*number);
                  });
         });
}

/// The parts of a mask as JSON.
struct Shape {
  ShapeKind kind = ShapeKind::kNone;
  std::array<uint32_t, 2> size{};
  std::string_view text;
};

std::optional<Shape> ReadShape(std::string_view value) {
  if (IsPolygon(value)) return Shape{ShapeKind::kPolygon, {}, value};
  if (!IsObject(value)) return std::nullopt;
  const auto [size, counts] = MembersOf<2>(value, {"size", "counts"});
  Shape shape;
  size_t sides = 0;
  const bool is_size = IsList(size) && EachOf(size, [&](std::string_view element) {
                         const std::optional<double> side = IdOf(element);
                         if (!side || *side < 1 || *side > kLargestSide || sides == shape.size.size()) return false;
                         shape.size[sides++] = static_cast<uint32_t>(*side);
                         return true;
                       });
  if (!is_size || sides != shape.size.size()) return std::nullopt;
  shape.text = counts;
  if (IsString(counts)) {
    shape.kind = ShapeKind::kCompressed;
    return shape;
  }
  shape.kind = ShapeKind::kCounts;
  const bool are_counts =
      IsList(counts) && EachOf(counts, [](std::string_view element) { return IdOf(element).has_value(); });
  return are_counts ? std::optional<Shape>(shape) : std::nullopt;
}

std::string Quoted(std::string_view value) {
  if (value.empty()) return "undefined";
  return std::string(value.substr(0, kQuotedBytes)) + (value.size() > kQuotedBytes ? "…" : "");
}

/// What is wrong with an entry, to follow its number; nothing when it is now in `block`.
std::optional<std::string> AddEntry(std::string_view entry, DetectionBlock& block) {
  if (!IsObject(entry)) return ": expected an object with image_id";
  const auto [image_id, category_id, score_text, bbox, segmentation] =
      MembersOf<5>(entry, {"image_id", "category_id", "score", "bbox", "segmentation"});
  const std::optional<double> picture = IdOf(image_id);
  if (!picture) return ": expected an object with image_id, a whole number";
  const std::optional<double> category = IdOf(category_id);
  if (!category) return " has category " + Quoted(category_id) + ": expected a whole number";
  const std::optional<double> score = NumberOf(score_text);
  if (!score || !std::isfinite(*score)) {
    return ": expected a finite score, got " + (score ? "Infinity (" + Quoted(score_text) + ")" : Quoted(score_text));
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::array<double, 4> box{kNone, kNone, kNone, kNone};
  const bool has_box = !bbox.empty() && !IsEmptyList(bbox);
  if (has_box && !ReadBox(bbox, box)) return ": expected a bbox of four finite numbers x, y, width, height";
  Shape shape;
  if (!segmentation.empty() && !IsEmptyList(segmentation)) {
    std::optional<Shape> read = ReadShape(segmentation);
    if (!read) return ": expected a segmentation, as polygons or run lengths";
    shape = *read;
  }
  if (!has_box && shape.kind == ShapeKind::kNone) return " has neither bbox nor segmentation";
  block.pictures.push_back(*picture);
  block.categories.push_back(*category);
  block.scores.push_back(*score);
  block.boxes.insert(block.boxes.end(), box.begin(), box.end());
  block.kinds.push_back(shape.kind);
  block.sizes.insert(block.sizes.end(), shape.size.begin(), shape.size.end());
  if (shape.kind == ShapeKind::kCompressed) {
    const std::string counts = JsonString(shape.text);
    block.text.insert(block.text.end(), counts.begin(), counts.end());
  } else {
    block.text.insert(block.text.end(), shape.text.begin(), shape.text.end());
  }
  block.text_ends.push_back(static_cast<uint32_t>(block.text.size()));
  return std::nullopt;
}

}  // namespace

Result<DetectionBlock> DetectionListReader::Push(const char* piece, size_t size) {
  if (size > kMaxPieceBytes) return Invalid("expected pieces of at most 64 MiB");
  // A piece that nothing was left over for is read in place.
  const bool is_joined = !held_.empty();
  if (is_joined) held_.append(piece, size);
  const std::string_view all = is_joined ? std::string_view(held_) : std::string_view(piece, size);
  JsonText text(all);
  DetectionBlock block;
  // Most of a file is text of masks.
  block.text.reserve(size);
  size_t done = 0;
  const auto not_json = [&](const char* why) {
    return Invalid("not JSON at byte " + std::to_string(offset_ + text.position()) + ", in result " +
                   std::to_string(entries_) + why);
  };
  for (;;) {
    text.SkipBlanks();
    done = text.position();
    if (text.at_end()) break;
    switch (place_) {
      case Place::kBeforeList:
        if (!text.Take('['))
          return Invalid("expected COCO results, a list of {image_id, category_id, score, bbox or segmentation}");
        place_ = Place::kFirstEntry;
        continue;
      case Place::kBehindList:
        return Invalid("not JSON: something follows the list, at byte " + std::to_string(offset_ + text.position()));
      case Place::kBehindEntry:
        if (text.Take(']')) {
          place_ = Place::kBehindList;
        } else if (text.Take(',')) {
          place_ = Place::kEntry;
        } else {
          return not_json(": expected a comma or the end of the list");
        }
        continue;
      case Place::kFirstEntry:
        if (text.Take(']')) {
          place_ = Place::kBehindList;
          continue;
        }
        break;
      case Place::kEntry:
        break;
    }
    const JsonOutcome outcome = text.SkipValue();
    if (outcome == JsonOutcome::kCutOff) break;
    if (outcome == JsonOutcome::kWrong) {
      const bool is_word = !text.at_end() && (text.peek() == 'N' || text.peek() == 'I');
      return not_json(is_word ? ": JSON has no NaN and no Infinity" : "");
    }
    if (const std::optional<std::string> wrong = AddEntry(text.From(done), block)) {
      return Invalid("result " + std::to_string(entries_) + *wrong);
    }
    ++entries_;
    place_ = Place::kBehindEntry;
  }
  if (all.size() - done > kMaxEntryBytes) return Invalid("result " + std::to_string(entries_) + " takes over 64 MiB");
  offset_ += done;
  held_ = std::string(all.substr(done));
  return block;
}

Status DetectionListReader::Finish() const {
  if (place_ == Place::kBehindList && held_.empty()) return Ok();
  return Invalid("not JSON: the list has no end");
}

}  // namespace fastsamd
