#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace fastsamd::nvml {

/// What the driver tells about a GPU. A value that this GPU or driver does not have is absent: a Jetson has no power
/// and no memory of its own, a virtual GPU has no temperature.
struct Reading {
  std::string name;
  /// 0..1, over the driver's last sampling period (up to a second).
  std::optional<double> load;
  std::optional<uint64_t> memory_used_bytes;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<double> temperature_c;
  std::optional<double> power_w;
  std::optional<double> power_limit_w;
  std::optional<int> clock_mhz;
  std::optional<int> clock_max_mhz;
};

/// Reads every GPU of the machine through NVIDIA's management library, which comes with the driver. The library is
/// loaded by the first call and stays loaded; no header or link-time library of NVIDIA is needed. A call takes
/// milliseconds, but can hang with the driver: not for a thread that must go on.
///
/// Errors: kEngineUnavailable when there is no library, no driver or no access to the GPU, with the library's words.
Result<std::vector<Reading>> ReadGpus();

}  // namespace fastsamd::nvml
