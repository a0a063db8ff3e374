#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace fastsamd {

/// Lines of a GPIO chip by the kernel's character device, uAPI v2 (Linux 5.10). A file descriptor stands for the lines;
/// the kernel gives them back when it is closed.
enum class GpioEdge { kRising, kFalling, kBoth };

struct GpioInput {
  uint32_t line = 0;
  GpioEdge edge = GpioEdge::kRising;
  /// Microseconds in which a level has to hold; 0: every edge counts.
  uint32_t debounce_us = 0;
  bool active_low = false;
};

struct GpioOutputs {
  /// At most 64.
  std::vector<uint32_t> lines;
  bool active_low = false;
};

/// An edge that the kernel has seen.
struct GpioEvent {
  /// CLOCK_MONOTONIC of the interrupt.
  uint64_t at_ns = 0;
  /// Counts the edges of the line from 1; a gap means that the kernel's buffer was full.
  uint32_t number = 0;
};

/// The descriptor of an input line whose edges can be read. Errors: kSourceNotFound, saying what the kernel refused.
Result<int> RequestGpioInput(const std::string& chip, const GpioInput& input);

/// The descriptor of output lines, all of them inactive. Errors: as RequestGpioInput.
Result<int> RequestGpioOutputs(const std::string& chip, const GpioOutputs& outputs);

/// Waits for edges. Errors: kSourceLost when the chip is gone.
Result<std::vector<GpioEvent>> ReadGpioEvents(int lines);

/// Sets the first `count` lines of the descriptor, the first one by the lowest bit; 1 is active. False when the chip is
/// gone.
bool SetGpioOutputs(int lines, size_t count, uint64_t bits);

}  // namespace fastsamd
