#include "core/largest_part.h"

#include <algorithm>
#include <numeric>

namespace fastsamd {
namespace {

size_t Root(std::vector<size_t>& parents, size_t node) {
  while (parents[node] != node) node = parents[node] = parents[parents[node]];
  return node;
}

}  // namespace

void KeepLargestPart(std::vector<Run>& runs, size_t begin, uint32_t height) {
  const size_t count = runs.size() - begin;
  if (count < 2) return;
  const Run* mask = runs.data() + begin;
  std::vector<size_t> parents(count);
  std::iota(parents.begin(), parents.end(), 0);
  size_t first = 0;
  for (size_t i = 1; i < count; ++i) {
    // A column to the left is `height` pixels earlier.
    const int64_t start = static_cast<int64_t>(mask[i].start) - height;
    const int64_t end = static_cast<int64_t>(mask[i].end) - height;
    while (first < i && static_cast<int64_t>(mask[first].end) <= start) ++first;
    for (size_t k = first; k < i && static_cast<int64_t>(mask[k].start) < end; ++k) {
      const size_t a = Root(parents, k);
      const size_t b = Root(parents, i);
      parents[std::max(a, b)] = std::min(a, b);
    }
  }
  std::vector<uint64_t> areas(count, 0);
  for (size_t i = 0; i < count; ++i) areas[Root(parents, i)] += mask[i].end - mask[i].start;
  const auto largest = static_cast<size_t>(std::max_element(areas.begin(), areas.end()) - areas.begin());
  size_t kept = begin;
  for (size_t i = 0; i < count; ++i) {
    if (Root(parents, i) == largest) runs[kept++] = runs[begin + i];
  }
  runs.resize(kept);
}

}  // namespace fastsamd
