#include "core/jpeg_size.h"

#include <gtest/gtest.h>

#include <vector>

namespace fastsamd {
namespace {

using Bytes = std::vector<uint8_t>;

JpegSize SizeOf(const Bytes& bytes) { return ReadJpegSize(bytes.data(), bytes.size()); }

/// A frame header: 16 rows of 32 pixels.
const Bytes kFrame{0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 32, 1, 1, 0x11, 0};

Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(JpegSize, ReadsTheFrameHeaderBehindOtherSegmentsAndFillBytes) {
  const Bytes comment{0xFF, 0xFE, 0, 4, 0xFF, 0xC0};
  const JpegSize size = SizeOf(Joined({{0xFF, 0xD8}, comment, {0xFF, 0xFF}, kFrame}));
  EXPECT_EQ(size.width, 32);
  EXPECT_EQ(size.height, 16);
}

TEST(JpegSize, DoesNotTakeTablesForFrameHeaders) {
  for (const uint8_t marker : {0xC4, 0xC8, 0xCC}) {
    const JpegSize size = SizeOf(Joined({{0xFF, 0xD8}, {0xFF, marker, 0, 11, 8, 9, 9, 9, 9, 0, 0, 0, 0}, kFrame}));
    EXPECT_EQ(size.width, 32) << int{marker};
  }
}

TEST(JpegSize, IsUnknownWhereThereIsNoFrameHeader) {
  const Bytes whole = Joined({{0xFF, 0xD8}, kFrame});
  for (size_t length = 0; length < whole.size() - 4; ++length) {
    EXPECT_EQ(SizeOf(Bytes(whole.begin(), whole.begin() + static_cast<int64_t>(length))).width, 0) << length;
  }
  EXPECT_EQ(SizeOf({0x89, 'P', 'N', 'G'}).width, 0);
  EXPECT_EQ(SizeOf({0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 0xFF, 0xC0, 0, 11}).width, 0);
  // A segment of length zero must not be read for ever.
  EXPECT_EQ(SizeOf({0xFF, 0xD8, 0xFF, 0xE0, 0, 0, 0xFF, 0xE0, 0, 0, 0, 0}).width, 0);
}

}  // namespace
}  // namespace fastsamd
