#include "core/segments.h"

#include "core/image.h"

namespace fastsamd {
namespace {

Error Misuse(std::string message) { return {ErrorCode::kMisuse, std::move(message)}; }

}  // namespace

Segments Select(const Segments& segments, const std::vector<uint32_t>& indices) {
  Segments selected;
  selected.width = segments.width;
  selected.height = segments.height;
  selected.offsets.push_back(0);
  const auto append = [](auto& to, const auto& from, size_t begin, size_t count) {
    to.insert(to.end(), from.begin() + static_cast<ptrdiff_t>(begin),
              from.begin() + static_cast<ptrdiff_t>(begin + count));
  };
  for (const uint32_t index : indices) {
    append(selected.boxes, segments.boxes, 4 * size_t{index}, 4);
    selected.scores.push_back(segments.scores[index]);
    selected.classes.push_back(segments.classes[index]);
    selected.areas.push_back(segments.areas[index]);
    const uint32_t begin = segments.offsets[index];
    append(selected.runs, segments.runs, begin, segments.offsets[index + 1] - begin);
    selected.offsets.push_back(static_cast<uint32_t>(selected.runs.size()));
    if (!segments.coefficients.empty()) {
      append(selected.coefficients, segments.coefficients, kCoefficients * index, kCoefficients);
    }
  }
  return selected;
}

Status ValidateRuns(const Run* runs, size_t count, uint64_t pixels) {
  // The first run may start at 0; every later one leaves a gap after its predecessor.
  uint64_t lowest = 0;
  for (size_t i = 0; i < count; ++i) {
    if (runs[i].start < lowest || runs[i].end <= runs[i].start || runs[i].end > pixels) {
      return Misuse("expected mask runs that ascend without touching inside " + std::to_string(pixels) +
                    " pixels, run " + std::to_string(i) + " is " + std::to_string(runs[i].start) + ".." +
                    std::to_string(runs[i].end));
    }
    lowest = static_cast<uint64_t>(runs[i].end) + 1;
  }
  return Ok();
}

Status Validate(const Segments& segments) {
  if (segments.width < 1 || segments.height < 1 || segments.width > kMaxSide || segments.height > kMaxSide) {
    return Misuse("expected segments of a frame of 1 to " + std::to_string(kMaxSide) + " pixels a side, got " +
                  std::to_string(segments.width) + "x" + std::to_string(segments.height));
  }
  const size_t count = segments.count();
  if (segments.boxes.size() != count * 4 || segments.classes.size() != count || segments.areas.size() != count ||
      segments.offsets.size() != count + 1) {
    return Misuse("expected segments whose boxes, classes, areas and offsets describe " + std::to_string(count) +
                  " objects");
  }
  if (!segments.coefficients.empty() && segments.coefficients.size() != count * kCoefficients) {
    return Misuse("expected " + std::to_string(kCoefficients) + " coefficients for each of " + std::to_string(count) +
                  " objects, or none");
  }
  if (segments.offsets.front() != 0 || segments.offsets.back() != segments.runs.size()) {
    return Misuse("expected segment offsets from 0 to " + std::to_string(segments.runs.size()) +
                  ", the number of runs");
  }
  const Carried& carried = segments.carried;
  if (!carried.ids.empty() && (carried.offsets.size() != carried.ids.size() + 1 || carried.offsets.front() != 0 ||
                               carried.offsets.back() != carried.runs.size())) {
    return Misuse("expected carried masks whose offsets count from 0 to " + std::to_string(carried.runs.size()) +
                  ", the number of runs");
  }
  const uint64_t pixels = static_cast<uint64_t>(segments.width) * static_cast<uint64_t>(segments.height);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t begin = segments.offsets[i];
    const uint32_t end = segments.offsets[i + 1];
    if (end < begin || end > segments.runs.size()) {
      return Misuse("expected segment offsets that ascend, object " + std::to_string(i) + " breaks it");
    }
    Status runs = ValidateRuns(segments.runs.data() + begin, end - begin, pixels);
    if (!runs.ok()) return runs;
  }
  for (size_t i = 0; i < carried.ids.size(); ++i) {
    const uint32_t begin = carried.offsets[i];
    const uint32_t end = carried.offsets[i + 1];
    if (end < begin || end > carried.runs.size()) {
      return Misuse("expected offsets of carried masks that ascend, mask " + std::to_string(i) + " breaks it");
    }
    Status runs = ValidateRuns(carried.runs.data() + begin, end - begin, pixels);
    if (!runs.ok()) return runs;
  }
  return Ok();
}

}  // namespace fastsamd
