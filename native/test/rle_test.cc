#include "core/rle.h"

#include <gtest/gtest.h>

#include <random>

#include "dense_masks.h"

namespace fastsamd {
namespace {

using test::Runs;

bool operator==(const Run& a, const Run& b) { return a.start == b.start && a.end == b.end; }

std::string Encode(const Runs& runs, uint64_t pixels) { return EncodeRle(runs.data(), runs.size(), pixels); }

struct KnownString {
  const char* name;
  int width;
  int height;
  Runs runs;
  const char* counts;
};

// The strings are what pycocotools 2.0 writes for these masks.
const KnownString kKnownStrings[] = {
    {"nothing", 4, 5, {}, "d0"},
    {"everything", 4, 5, {{0, 20}}, "0d0"},
    {"rectangle", 4, 5, {{6, 9}, {11, 14}}, "63204"},
    {"stripes",
     4,
     5,
     {{0, 1}, {2, 3}, {4, 6}, {7, 8}, {9, 11}, {12, 13}, {14, 16}, {17, 18}, {19, 20}},
     "0110010O010O010O00"},
    {"long counts",
     640,
     480,
     {{96100, 96300}, {96580, 96780}, {97060, 97260}, {97540, 97740}, {98020, 98220}, {307190, 307200}},
     "Tkm2X6h80000000bi[6RJ"},
    {"disc",
     50,
     40,
     {{538, 543},
      {575, 586},
      {614, 627},
      {653, 668},
      {692, 709},
      {732, 749},
      {772, 789},
      {811, 830},
      {851, 870},
      {891, 910},
      {931, 950},
      {971, 990},
      {1012, 1029},
      {1052, 1069},
      {1092, 1109},
      {1133, 1148},
      {1174, 1187},
      {1215, 1226},
      {1258, 1263}},
     "j`05P16L2N2N2O000O2O00000001N10001N2N2N4JQf0"},
};

TEST(Rle, WritesAndReadsPycocotoolsStrings) {
  for (const KnownString& known : kKnownStrings) {
    const uint64_t pixels = static_cast<uint64_t>(known.width) * static_cast<uint64_t>(known.height);
    EXPECT_EQ(Encode(known.runs, pixels), known.counts) << known.name;
    const auto decoded = DecodeRle(known.counts, known.width, known.height);
    ASSERT_TRUE(decoded.ok()) << known.name;
    ASSERT_EQ(decoded.value().size(), known.runs.size()) << known.name;
    for (size_t i = 0; i < known.runs.size(); ++i) EXPECT_TRUE(decoded.value()[i] == known.runs[i]) << known.name;
  }
}

TEST(Rle, RoundTripsRandomMasks) {
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    const int width = 1 + static_cast<int>(random() % 40);
    const int height = 1 + static_cast<int>(random() % 40);
    const unsigned stay = 1 + random() % 30;
    std::vector<bool> bitmap(static_cast<size_t>(width * height));
    bool value = random() % 2 == 0;
    for (size_t p = 0; p < bitmap.size(); ++p) {
      if (random() % stay == 0) value = !value;
      bitmap[p] = value;
    }
    const Runs runs = test::RunsOf(bitmap);
    const auto decoded = DecodeRle(Encode(runs, bitmap.size()), width, height);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    ASSERT_EQ(decoded.value().size(), runs.size());
    for (size_t r = 0; r < runs.size(); ++r) ASSERT_TRUE(decoded.value()[r] == runs[r]);
  }
}

TEST(Rle, HandlesTheLargestFrame) {
  const uint64_t pixels = uint64_t{32768} * 32768;
  const Runs runs{{0, 1}, {1u << 29, 1u << 30}};
  const auto decoded = DecodeRle(Encode(runs, pixels), 32768, 32768);
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded.value().size(), 2u);
  EXPECT_TRUE(decoded.value()[1] == runs[1]);
}

TEST(DecodeRle, JoinsRunsThatAnEmptyCountSeparates) {
  // Counts 1 2 0 3, which no encoder writes: the fourth is stored as 3 - 2.
  const auto decoded = DecodeRle("1201", 6, 1);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  ASSERT_EQ(decoded.value().size(), 1u);
  EXPECT_TRUE(decoded.value()[0] == (fastsamd::Run{1, 6}));
}

TEST(DecodeRle, RefusesHostileStrings) {
  const std::string cases[] = {"",                       // Sums to nothing.
                               "3",                      // Too few pixels.
                               "5",                      // Too many.
                               "P",                      // Cut off in the middle of a number.
                               "oooooooooooooooooooo0",  // A number without end.
                               "oooooo?",                // 2^34 and more.
                               "4\xff",                  // Not RLE's bytes.
                               std::string("4\0", 2),    //
                               "4 ",                     //
                               "O",                      // -1.
                               "111O",                   // A negative difference that leads below zero.
                               std::string(1000, 'o'),   //
                               "\xe2\x82\xac"};
  for (const std::string& counts : cases) {
    const auto decoded = DecodeRle(counts, 2, 2);
    ASSERT_FALSE(decoded.ok()) << counts;
    EXPECT_EQ(decoded.error().code, ErrorCode::kPromptInvalid);
    EXPECT_EQ(decoded.error().message.find('\n'), std::string::npos);
  }
  EXPECT_EQ(DecodeRle("4", 0, 4).error().code, ErrorCode::kMisuse);
  EXPECT_EQ(DecodeRle("4", 4, 1 << 20).error().code, ErrorCode::kMisuse);
}

TEST(DecodeRle, SurvivesRandomBytes) {
  std::mt19937 random(9);
  for (int i = 0; i < 20000; ++i) {
    std::string counts(random() % 24, ' ');
    for (char& c : counts) c = static_cast<char>(i % 2 == 0 ? random() : 48 + random() % 64);
    const auto decoded = DecodeRle(counts, 100, 100);
    if (decoded.ok()) {
      EXPECT_TRUE(ValidateRuns(decoded.value().data(), decoded.value().size(), 10000).ok());
    }
  }
}

}  // namespace
}  // namespace fastsamd
