#include "core/rle.h"

#include <utility>

#include "core/image.h"

namespace fastsamd {
namespace {

constexpr int kGroupBits = 5;
constexpr char kFirstChar = 48;
constexpr int kMoreBit = 0x20;
constexpr int kSignBit = 0x10;
/// Groups that hold any difference of two 32 bit counts.
constexpr int kMaxGroups = 7;

/// Appends `value` in groups of 5 bits, least significant first, with a bit that tells whether more follow.
void AppendNumber(int64_t value, std::string& out) {
  bool more = true;
  while (more) {
    int group = static_cast<int>(value & 0x1f);
    value >>= kGroupBits;
    more = (group & kSignBit) != 0 ? value != -1 : value != 0;
    if (more) group |= kMoreBit;
    out.push_back(static_cast<char>(group + kFirstChar));
  }
}

/// Writes counts one by one: COCO stores the difference to the count two before, except for the first three.
class CountWriter {
 public:
  void Add(int64_t count) {
    AppendNumber(written_ > 2 ? count - before_last_ : count, text_);
    before_last_ = last_;
    last_ = count;
    ++written_;
  }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  size_t written_ = 0;
  int64_t last_ = 0;
  int64_t before_last_ = 0;
};

Error Invalid(std::string message) { return {ErrorCode::kPromptInvalid, std::move(message)}; }

/// Reads one number at `position` and moves it on; false on a byte that is none of RLE's, on a number that is cut off
/// or one that is too long.
bool ReadNumber(std::string_view counts, size_t& position, int64_t& value) {
  value = 0;
  for (int group_index = 0; group_index < kMaxGroups; ++group_index) {
    if (position >= counts.size()) return false;
    const int group = static_cast<unsigned char>(counts[position++]) - kFirstChar;
    if (group < 0 || group > 0x3f) return false;
    const int shift = kGroupBits * group_index;
    value |= static_cast<int64_t>(group & 0x1f) << shift;
    if ((group & kMoreBit) != 0) continue;
    if ((group & kSignBit) != 0) value -= int64_t{1} << (shift + kGroupBits);
    return true;
  }
  return false;
}

}  // namespace

std::string EncodeRle(const Run* runs, size_t count, uint64_t pixels) {
  CountWriter counts;
  uint64_t position = 0;
  for (size_t i = 0; i < count; ++i) {
    counts.Add(static_cast<int64_t>(runs[i].start - position));
    counts.Add(static_cast<int64_t>(runs[i].end - runs[i].start));
    position = runs[i].end;
  }
  if (position < pixels) counts.Add(static_cast<int64_t>(pixels - position));
  return counts.Take();
}

Result<std::vector<Run>> DecodeRle(std::string_view counts, int width, int height) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    return Error{ErrorCode::kMisuse, "expected a mask of 1 to " + std::to_string(kMaxSide) + " pixels a side, got " +
                                         std::to_string(width) + "x" + std::to_string(height)};
  }
  const int64_t pixels = static_cast<int64_t>(width) * height;
  std::vector<Run> runs;
  int64_t sum = 0;
  int64_t last = 0;
  int64_t before_last = 0;
  bool foreground = false;
  size_t position = 0;
  for (size_t index = 0; position < counts.size(); ++index) {
    int64_t count = 0;
    if (!ReadNumber(counts, position, count)) {
      return Invalid("expected COCO compressed RLE counts, byte " + std::to_string(position) + " is not part of one");
    }
    if (index > 2) count += before_last;
    if (count < 0 || count > pixels - sum) {
      return Invalid("expected RLE counts that sum to " + std::to_string(pixels) + " pixels, count " +
                     std::to_string(index) + " is " + std::to_string(count));
    }
    if (foreground && count > 0) {
      const uint32_t start = static_cast<uint32_t>(sum);
      const uint32_t end = static_cast<uint32_t>(sum + count);
      if (!runs.empty() && runs.back().end == start) {
        runs.back().end = end;
      } else {
        runs.push_back({start, end});
      }
    }
    sum += count;
    before_last = last;
    last = count;
    foreground = !foreground;
  }
  if (sum != pixels) {
    return Invalid("expected RLE counts that sum to " + std::to_string(pixels) + " pixels (" + std::to_string(width) +
                   "x" + std::to_string(height) + "), got " + std::to_string(sum));
  }
  return runs;
}

}  // namespace fastsamd
