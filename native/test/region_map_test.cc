#include "core/region_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace fastsamd {
namespace {

/// Objects of random runs, which cross columns, nest and overlap.
Segments RandomSegments(int width, int height, size_t count, std::mt19937& random) {
  Segments segments;
  segments.width = width;
  segments.height = height;
  segments.offsets.push_back(0);
  const uint32_t pixels = uint32_t(width * height);
  for (size_t i = 0; i < count; ++i) {
    uint32_t area = 0;
    for (uint32_t at = random() % pixels; at < pixels;) {
      const uint32_t end = std::min(pixels, at + 1 + uint32_t(random() % uint32_t(2 * height)));
      segments.runs.push_back({at, end});
      area += end - at;
      at = end + 1 + uint32_t(random() % uint32_t(3 * height));
      if (random() % 8 == 0) break;
    }
    segments.offsets.push_back(uint32_t(segments.runs.size()));
    segments.areas.push_back(area);
    segments.scores.push_back(0.5F);
    segments.classes.push_back(0);
    segments.boxes.insert(segments.boxes.end(), {0, 0, float(width), float(height)});
  }
  return segments;
}

bool Covers(const Segments& segments, size_t object, int x, int y) {
  const uint32_t pixel = uint32_t(x * segments.height + y);
  for (uint32_t i = segments.offsets[object]; i < segments.offsets[object + 1]; ++i) {
    if (segments.runs[i].start <= pixel && pixel < segments.runs[i].end) return true;
  }
  return false;
}

uint32_t Number(const std::vector<uint8_t>& bytes, size_t& at) {
  uint32_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = bytes.at(at++);
    value |= uint32_t(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

TEST(RegionMap, ListsInEveryCellTheObjectsAtItsCentreSmallestFirst) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const int width = 1 + int(random() % 90);
    const int height = 1 + int(random() % 70);
    const Segments segments = RandomSegments(width, height, random() % 12, random);
    ASSERT_TRUE(Validate(segments).ok());
    FramePart part{int(random() % unsigned(width)), int(random() % unsigned(height)), 0, 0};
    part.width = 1 + int(random() % unsigned(width - part.x));
    part.height = 1 + int(random() % unsigned(height - part.y));
    const int columns = 1 + int(random() % 50);
    const int rows = 1 + int(random() % 50);
    const RegionMap map = MapRegions(segments, part, columns, rows);
    ASSERT_EQ(map.offsets[1], 0U);
    for (int i = 0; i < columns; ++i) {
      for (int j = 0; j < rows; ++j) {
        const int x = part.x + (2 * i + 1) * part.width / (2 * columns);
        const int y = part.y + (2 * j + 1) * part.height / (2 * rows);
        std::vector<uint32_t> expected;
        for (uint32_t object = 0; object < segments.count(); ++object) {
          if (Covers(segments, object, x, y)) expected.push_back(object);
        }
        // Of equal areas the later object was added last and comes first.
        std::stable_sort(expected.begin(), expected.end(), [&](uint32_t a, uint32_t b) {
          return segments.areas[a] != segments.areas[b] ? segments.areas[a] < segments.areas[b] : a > b;
        });
        const size_t region = map.cells[size_t(i * rows + j)];
        const std::vector<uint32_t> listed(map.objects.begin() + map.offsets[region],
                                           map.objects.begin() + map.offsets[region + 1]);
        ASSERT_EQ(listed, expected) << "cell " << i << "," << j;
      }
    }
  }
}

TEST(RegionMap, ComesBackFromItsBytes) {
  std::mt19937 random(8);
  for (int round = 0; round < 40; ++round) {
    const Segments segments = RandomSegments(160, 90, random() % 40, random);
    const RegionMap map = MapRegions(segments, {0, 0, 160, 90}, 1 + int(random() % 320), 1 + int(random() % 180));
    std::vector<uint8_t> bytes;
    AppendRegions(map, bytes);
    size_t at = 0;
    for (size_t region = 0; region < map.regions(); ++region) {
      ASSERT_EQ(Number(bytes, at), map.offsets[region + 1] - map.offsets[region]);
      for (size_t i = map.offsets[region]; i < map.offsets[region + 1]; ++i)
        ASSERT_EQ(Number(bytes, at), map.objects[i]);
    }
    ASSERT_EQ(at, bytes.size());

    bytes.clear();
    AppendCells(map, bytes);
    std::vector<uint16_t> cells;
    const size_t rows = size_t(map.height);
    for (at = 0; at < bytes.size();) {
      const uint32_t value = Number(bytes, at);
      const uint32_t length = Number(bytes, at);
      ASSERT_LE(cells.size() % rows + length, rows) << "a pair crosses a column";
      for (uint32_t k = 0; k < length; ++k)
        cells.push_back(value == 0 ? cells.at(cells.size() - rows) : uint16_t(value - 1));
    }
    ASSERT_EQ(cells, map.cells);
  }
}

}  // namespace
}  // namespace fastsamd
