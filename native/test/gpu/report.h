#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

// The table that the checks on a GPU print: one row each, "ok", "FAILED", "note" (a figure) or "skip".

namespace fastsamd::gpu {

inline int failures = 0;

inline std::string Text(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  return text;
}

inline void Row(const char* result, const std::string& what, const std::string& detail = "") {
  std::printf("%-7s %-58s %s\n", result, what.c_str(), detail.c_str());
  std::fflush(stdout);
}

inline bool Expect(bool holds, const std::string& what, const std::string& detail = "") {
  if (!holds) ++failures;
  Row(holds ? "ok" : "FAILED", what, detail);
  return holds;
}

inline void Note(const std::string& what, const std::string& detail) { Row("note", what, detail); }
inline void Skip(const std::string& what, const std::string& why) { Row("skip", what, why); }

/// The exit code of the program.
inline int Finish() { return failures == 0 ? 0 : 1; }

}  // namespace fastsamd::gpu
