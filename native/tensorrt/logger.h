#pragma once

#include <NvInferRuntime.h>

#include <functional>
#include <mutex>
#include <string>

#include "core/result.h"

namespace fastsamd::tensorrt {

enum class LogLevel { kError, kWarning, kInfo, kVerbose };

/// Called from any thread, one line at a time.
using LogSink = std::function<void(LogLevel, const std::string&)>;

/// Carries TensorRT's log to a sink, and keeps its errors: TensorRT says why a call failed nowhere else.
class Logger final : public nvinfer1::ILogger {
 public:
  /// `sink` may be empty.
  explicit Logger(LogSink sink) : sink_(std::move(sink)) {}

  void log(Severity severity, const char* message) noexcept override;

  /// The errors since the last call, on one line; "no reason given" when there are none.
  std::string TakeErrors();

  /// An error of `what` with TensorRT's own words: kOutOfMemory when those speak of memory, else `code`.
  Error Failure(ErrorCode code, const std::string& what);

 private:
  const LogSink sink_;
  std::mutex mutex_;
  std::string errors_;
};

}  // namespace fastsamd::tensorrt
