#include "core/jpeg_markers.h"

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

JpegState StateOf(const Bytes& bytes) { return ReadJpegState(bytes.data(), bytes.size()); }

const Bytes kStart{0xFF, 0xD8};
const Bytes kScan{0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0};
const Bytes kEnd{0xFF, 0xD9};

TEST(JpegState, IsWholeWithAnEndMarkerBehindItsScansWhateverTheyHold) {
  // A stuffed 0xFF, fill bytes, restarts in order and over again, a second scan, bytes behind the end.
  Bytes data{1, 0xFF, 0, 2};
  for (int k = 0; k < 11; ++k) {
    data.insert(data.end(), {0xFF, 0xFF, static_cast<uint8_t>(0xD0 + k % 8), 7});
  }
  const Bytes whole = Joined({kStart, kFrame, kScan, data, kScan, {3}, kEnd, {0, 0, 13}});
  EXPECT_EQ(StateOf(whole), JpegState::kWhole);
  // An end marker within a comment is none.
  EXPECT_EQ(StateOf(Joined({kStart, {0xFF, 0xFE, 0, 4, 0xFF, 0xD9}, kScan, {1}})), JpegState::kCut);
  for (size_t size = 2; size + 3 < whole.size() - kEnd.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(StateOf(cut), JpegState::kCut) << size;
  }
}

TEST(JpegState, IsDamagedWhereRestartsAreMissingOrAnotherPictureBegins) {
  EXPECT_EQ(StateOf(Joined({kStart, kFrame, kScan, {1, 0xFF, 0xD0, 2, 0xFF, 0xD2, 3}, kEnd})), JpegState::kDamaged);
  EXPECT_EQ(StateOf(Joined({kStart, kFrame, kScan, {1, 2}, kStart, kFrame, kScan, {1}, kEnd})), JpegState::kDamaged);
}

TEST(JpegState, IsAnotherKindOfFileWithoutItsFirstMarker) {
  EXPECT_EQ(StateOf({}), JpegState::kOther);
  EXPECT_EQ(StateOf({0xFF}), JpegState::kOther);
  EXPECT_EQ(StateOf({0x89, 0x50, 0x4E, 0x47}), JpegState::kOther);
}

}  // namespace
}  // namespace fastsamd
