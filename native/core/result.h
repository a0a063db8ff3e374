#pragma once

#include <string>
#include <utility>
#include <variant>

namespace fastsamd {

/// Error codes that native code can report; the binding maps them one to one onto the codes of src/errors.ts.
enum class ErrorCode {
  kMisuse,
  kPromptInvalid,
  kDatasetInvalid,
  kSourceNotFound,
  kSourceUnsupported,
  kSourceCorrupt,
  kSourceLost,
  kSourceTimeout,
  kOutputUnwritable,
  kModelCorrupt,
  kModelUnsupported,
  kEngineUnavailable,
  kEngineFailed,
  kEngineLost,
  kEngineStale,
  kEngineCorrupt,
  kOutOfMemory,
  kInternal,
};

struct Error {
  ErrorCode code;
  std::string message;
};

/// A value or an error; nothing in native/ throws across a function that returns one.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(state_); }
  T& value() & { return std::get<T>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T&& value() && { return std::get<T>(std::move(state_)); }
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success, or an error.
using Status = Result<std::monostate>;
inline Status Ok() { return std::monostate{}; }

}  // namespace fastsamd
