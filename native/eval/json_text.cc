#include "eval/json_text.h"

#include <locale.h>  // NOLINT(modernize-deprecated-headers): newlocale
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): strtod_l

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace fastsamd {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kFirstPrintable = 0x20;
constexpr char kBeyondAscii = 0x7f;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// The value of a hexadecimal digit; -1 for any other character.
int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<bool, 256> StopsOfStrings() {
  std::array<bool, 256> stops{};
  for (size_t c = 0; c < kFirstPrintable; ++c) stops[c] = true;
  stops['"'] = true;
  stops['\\'] = true;
  return stops;
}
/// The bytes that end a plain stretch of a string.
constexpr std::array<bool, 256> kStops = StopsOfStrings();

/// Powers of ten that a double holds exactly.
constexpr std::array<double, 23> kPowers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                         1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// Parses a number as strtod does in the C locale. The locale of the process may have a decimal comma.
double ExactNumber(std::string_view text) {
  static const locale_t plain = newlocale(LC_ALL_MASK, "C", nullptr);
  const std::string copy(text);
  return strtod_l(copy.c_str(), nullptr, plain);
}

}  // namespace

void JsonText::SkipBlanks() {
  while (!at_end() && (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r')) Advance();
}

bool JsonText::Take(char wanted) {
  if (at_end() || peek() != wanted) return false;
  Advance();
  return true;
}

JsonOutcome JsonText::SkipValue(int depth) {
  if (at_end()) return JsonOutcome::kCutOff;
  switch (peek()) {
    case '{':
      return depth < kMaxDepth ? SkipObject(depth + 1) : JsonOutcome::kWrong;
    case '[':
      return depth < kMaxDepth ? SkipList(depth + 1) : JsonOutcome::kWrong;
    case '"':
      return SkipString();
    case 't':
      return SkipWord("true");
    case 'f':
      return SkipWord("false");
    case 'n':
      return SkipWord("null");
    default:
      return SkipNumber();
  }
}

JsonOutcome JsonText::SkipList(int depth) {
  Advance();
  SkipBlanks();
  if (Take(']')) return JsonOutcome::kWhole;
  for (;;) {
    SkipBlanks();
    if (const JsonOutcome value = SkipValue(depth); value != JsonOutcome::kWhole) return value;
    SkipBlanks();
    if (Take(']')) return JsonOutcome::kWhole;
    if (!Take(',')) return at_end() ? JsonOutcome::kCutOff : JsonOutcome::kWrong;
  }
}

JsonOutcome JsonText::SkipObject(int depth) {
  Advance();
  SkipBlanks();
  if (Take('}')) return JsonOutcome::kWhole;
  for (;;) {
    SkipBlanks();
    if (at_end()) return JsonOutcome::kCutOff;
    if (peek() != '"') return JsonOutcome::kWrong;
    if (const JsonOutcome key = SkipString(); key != JsonOutcome::kWhole) return key;
    SkipBlanks();
    if (!Take(':')) return at_end() ? JsonOutcome::kCutOff : JsonOutcome::kWrong;
    SkipBlanks();
    if (const JsonOutcome value = SkipValue(depth); value != JsonOutcome::kWhole) return value;
    SkipBlanks();
    if (Take('}')) return JsonOutcome::kWhole;
    if (!Take(',')) return at_end() ? JsonOutcome::kCutOff : JsonOutcome::kWrong;
  }
}

JsonOutcome JsonText::SkipString() {
  Advance();
  for (;;) {
    // Most of a file is here.
    const char* const data = text_.data();
    size_t at = position_;
    while (at < text_.size() && !kStops[static_cast<unsigned char>(data[at])]) ++at;
    position_ = at;
    if (at_end()) return JsonOutcome::kCutOff;
    if (Take('"')) return JsonOutcome::kWhole;
    if (!Take('\\')) return JsonOutcome::kWrong;
    if (at_end()) return JsonOutcome::kCutOff;
    const char escaped = peek();
    if (escaped == '\0' || std::strchr("\"\\/bfnrtu", escaped) == nullptr) return JsonOutcome::kWrong;
    Advance();
    for (int k = 0; escaped == 'u' && k < 4; ++k) {
      if (at_end()) return JsonOutcome::kCutOff;
      if (HexValue(peek()) < 0) return JsonOutcome::kWrong;
      Advance();
    }
  }
}

JsonOutcome JsonText::SkipNumber() {
  Take('-');
  const bool zero = Take('0');
  if (!zero) {
    if (const JsonOutcome whole = SkipDigits(); whole != JsonOutcome::kWhole) return whole;
  }
  if (Take('.')) {
    if (const JsonOutcome fraction = SkipDigits(); fraction != JsonOutcome::kWhole) return fraction;
  }
  if (Take('e') || Take('E')) {
    if (!Take('+')) Take('-');
    if (const JsonOutcome exponent = SkipDigits(); exponent != JsonOutcome::kWhole) return exponent;
  }
  return at_end() ? JsonOutcome::kCutOff : JsonOutcome::kWhole;
}

/// At least one digit.
JsonOutcome JsonText::SkipDigits() {
  const size_t begin = position_;
  while (!at_end() && IsDigit(peek())) Advance();
  if (position_ > begin) return JsonOutcome::kWhole;
  return at_end() ? JsonOutcome::kCutOff : JsonOutcome::kWrong;
}

JsonOutcome JsonText::SkipWord(std::string_view word) {
  for (const char c : word) {
    if (at_end()) return JsonOutcome::kCutOff;
    if (peek() != c) return JsonOutcome::kWrong;
    Advance();
  }
  return JsonOutcome::kWhole;
}

double JsonNumber(std::string_view text) {
  // Digits that a double holds, times or through a power of ten that it holds, is rounded once (Clinger 1990).
  constexpr int kMostDigits = 15;
  const bool negative = text.front() == '-';
  uint64_t digits = 0;
  int count = 0;
  int fraction = 0;
  bool behind_point = false;
  for (const char c : text.substr(negative ? 1 : 0)) {
    if (c == '.') {
      behind_point = true;
      continue;
    }
    if (!IsDigit(c)) return ExactNumber(text);
    digits = digits * 10 + static_cast<uint64_t>(c - '0');
    if (digits > 0 && ++count > kMostDigits + 1) return ExactNumber(text);
    if (behind_point) ++fraction;
  }
  constexpr uint64_t kExact = uint64_t{1} << 53U;
  if (digits > kExact || fraction >= static_cast<int>(kPowers.size())) return ExactNumber(text);
  const double value = static_cast<double>(digits) / kPowers[static_cast<size_t>(fraction)];
  return negative ? -value : value;
}

std::string JsonString(std::string_view text) {
  const std::string_view inner = text.substr(1, text.size() - 2);
  std::string out;
  out.reserve(inner.size());
  for (size_t k = 0; k < inner.size();) {
    // Most of a string has no escape.
    const size_t backslash = std::min(inner.find('\\', k), inner.size());
    out.append(inner.substr(k, backslash - k));
    if (backslash == inner.size()) break;
    const char escaped = inner[backslash + 1];
    k = backslash + 2;
    if (escaped == 'u') {
      int code = 0;
      for (int digit = 0; digit < 4; ++digit) code = code * 16 + HexValue(inner[k++]);
      out.push_back(code < kBeyondAscii ? static_cast<char>(code) : kBeyondAscii);
      continue;
    }
    static constexpr std::string_view kLetters = "bfnrt";
    static constexpr std::string_view kControls = "\b\f\n\r\t";
    const size_t letter = kLetters.find(escaped);
    out.push_back(letter == std::string_view::npos ? escaped : kControls[letter]);
  }
  return out;
}

}  // namespace fastsamd
