#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fastsamd {

enum class JsonOutcome { kWhole, kCutOff, kWrong };

/// Checks and reads JSON text in place (RFC 8259; bytes from 0x80 on are taken as they are).
class JsonText {
 public:
  explicit JsonText(std::string_view text) : text_(text) {}

  size_t position() const { return position_; }
  bool at_end() const { return position_ == text_.size(); }
  char peek() const { return text_[position_]; }
  void Advance() { ++position_; }
  void SkipBlanks();
  /// Moves on when the next character is `wanted`.
  bool Take(char wanted);

  /// Skips the value that begins here. kCutOff: the text ends within the value; so may a number that ends with the
  /// text. kWrong: the text is no JSON or nested deeper than 64, at `position`.
  JsonOutcome SkipValue() { return SkipValue(0); }

  /// The text from `begin` to here.
  std::string_view From(size_t begin) const { return text_.substr(begin, position_ - begin); }

 private:
  JsonOutcome SkipValue(int depth);
  JsonOutcome SkipList(int depth);
  JsonOutcome SkipObject(int depth);
  JsonOutcome SkipString();
  JsonOutcome SkipNumber();
  JsonOutcome SkipWord(std::string_view word);
  JsonOutcome SkipDigits();

  std::string_view text_;
  size_t position_ = 0;
};

/// The number that a JSON text is; infinite beyond a double. `text`: a number as SkipValue accepts.
double JsonNumber(std::string_view text);

/// Bytes of a JSON string, `text` with its quotes as SkipValue accepts. A character beyond ASCII that is written as an
/// escape becomes the byte 0x7f.
std::string JsonString(std::string_view text);

}  // namespace fastsamd
