#include "tensorrt/logger.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace fastsamd::tensorrt {
namespace {

/// A build that goes wrong can complain thousands of times; the first complaints say why.
constexpr size_t kMaxErrorBytes = 1000;

LogLevel LevelOf(nvinfer1::ILogger::Severity severity) {
  switch (severity) {
    case nvinfer1::ILogger::Severity::kINTERNAL_ERROR:
    case nvinfer1::ILogger::Severity::kERROR:
      return LogLevel::kError;
    case nvinfer1::ILogger::Severity::kWARNING:
      return LogLevel::kWarning;
    case nvinfer1::ILogger::Severity::kINFO:
      return LogLevel::kInfo;
    case nvinfer1::ILogger::Severity::kVERBOSE:
      break;
  }
  return LogLevel::kVerbose;
}

bool SpeaksOfMemory(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text.find("out of memory") != std::string::npos || text.find("outofmemory") != std::string::npos ||
         text.find("insufficient memory") != std::string::npos;
}

}  // namespace

void Logger::log(Severity severity, const char* message) noexcept {
  const LogLevel level = LevelOf(severity);
  try {
    std::string line(message == nullptr ? "" : message);
    std::replace(line.begin(), line.end(), '\n', ' ');
    if (level == LogLevel::kError) {
      const std::lock_guard lock(mutex_);
      if (errors_.size() < kMaxErrorBytes) errors_ += (errors_.empty() ? "" : "; ") + line.substr(0, kMaxErrorBytes);
    }
    if (sink_ && level != LogLevel::kVerbose) sink_(level, line);
  } catch (...) {
    // Out of memory for a log line: TensorRT, which calls this, must not see an exception.
  }
}

std::string Logger::TakeErrors() {
  const std::lock_guard lock(mutex_);
  std::string errors = std::exchange(errors_, {});
  return errors.empty() ? "no reason given" : errors;
}

Error Logger::Failure(ErrorCode code, const std::string& what) {
  const std::string why = TakeErrors();
  return {SpeaksOfMemory(why) ? ErrorCode::kOutOfMemory : code, what + ": " + why};
}

}  // namespace fastsamd::tensorrt
