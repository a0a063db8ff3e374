#include "nvml/nvml.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>

namespace fastsamd::nvml {
namespace {

// NVML's interface as its documentation gives it (NVML API Reference Guide); unchanged since driver 450. Versioned
// symbols are asked for by the version that these declarations describe.
using Device = void*;
using Return = int;
constexpr Return kSuccess = 0;
constexpr int kNameBytes = 96;
constexpr int kTemperatureGpu = 0;
constexpr int kClockGraphics = 0;
constexpr unsigned kMaxGpus = 16;

struct Utilization {
  unsigned gpu;
  unsigned memory;
};
struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};

struct Library {
  Return (*init)() = nullptr;
  const char* (*error_string)(Return) = nullptr;
  Return (*count)(unsigned*) = nullptr;
  Return (*by_index)(unsigned, Device*) = nullptr;
  Return (*name)(Device, char*, unsigned) = nullptr;
  Return (*utilization)(Device, Utilization*) = nullptr;
  Return (*memory)(Device, Memory*) = nullptr;
  Return (*temperature)(Device, int, unsigned*) = nullptr;
  Return (*power)(Device, unsigned*) = nullptr;
  Return (*power_limit)(Device, unsigned*) = nullptr;
  Return (*clock)(Device, int, unsigned*) = nullptr;
  Return (*max_clock)(Device, int, unsigned*) = nullptr;
};

Error Unavailable(const std::string& why) { return {ErrorCode::kEngineUnavailable, "NVIDIA's NVML: " + why}; }

template <typename Function>
bool Find(void* library, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, symbol));
  return function != nullptr;
}

/// Loads the library and starts it. Functions that an old driver lacks stay null, but for the few without which nothing
/// can be read.
Result<Library> Open() {
  // The name under which every driver package installs it; FASTSAMD_NVML_LIBRARY is for tests.
  const char* chosen = std::getenv("FASTSAMD_NVML_LIBRARY");
  void* handle = dlopen(chosen != nullptr ? chosen : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return Unavailable(dlerror());
  Library library;
  const bool whole = Find(handle, "nvmlInit_v2", library.init) &&
                     Find(handle, "nvmlErrorString", library.error_string) &&
                     Find(handle, "nvmlDeviceGetCount_v2", library.count) &&
                     Find(handle, "nvmlDeviceGetHandleByIndex_v2", library.by_index);
  if (!whole) return Unavailable("the library lacks functions that every driver has");
  Find(handle, "nvmlDeviceGetName", library.name);
  Find(handle, "nvmlDeviceGetUtilizationRates", library.utilization);
  Find(handle, "nvmlDeviceGetMemoryInfo", library.memory);
  Find(handle, "nvmlDeviceGetTemperature", library.temperature);
  Find(handle, "nvmlDeviceGetPowerUsage", library.power);
  Find(handle, "nvmlDeviceGetEnforcedPowerLimit", library.power_limit);
  Find(handle, "nvmlDeviceGetClockInfo", library.clock);
  Find(handle, "nvmlDeviceGetMaxClockInfo", library.max_clock);
  if (const Return started = library.init(); started != kSuccess) return Unavailable(library.error_string(started));
  return library;
}

/// The value that a function writes, when it is there and succeeds.
template <typename Value, typename Function, typename... Arguments>
std::optional<Value> Ask(Function function, Arguments... arguments) {
  Value value{};
  if (function == nullptr || function(arguments..., &value) != kSuccess) return std::nullopt;
  return value;
}

Reading ReadGpu(const Library& library, Device device) {
  Reading reading;
  char name[kNameBytes] = {};
  if (library.name != nullptr && library.name(device, name, sizeof(name) - 1) == kSuccess) reading.name = name;
  if (const auto rates = Ask<Utilization>(library.utilization, device)) reading.load = rates->gpu / 100.0;
  if (const auto memory = Ask<Memory>(library.memory, device)) {
    reading.memory_used_bytes = memory->used;
    reading.memory_total_bytes = memory->total;
  }
  if (const auto celsius = Ask<unsigned>(library.temperature, device, kTemperatureGpu))
    reading.temperature_c = *celsius;
  if (const auto milliwatts = Ask<unsigned>(library.power, device)) reading.power_w = *milliwatts / 1000.0;
  if (const auto milliwatts = Ask<unsigned>(library.power_limit, device)) reading.power_limit_w = *milliwatts / 1000.0;
  if (const auto mhz = Ask<unsigned>(library.clock, device, kClockGraphics)) reading.clock_mhz = static_cast<int>(*mhz);
  if (const auto mhz = Ask<unsigned>(library.max_clock, device, kClockGraphics)) {
    reading.clock_max_mhz = static_cast<int>(*mhz);
  }
  return reading;
}

}  // namespace

Result<std::vector<Reading>> ReadGpus() {
  static std::mutex mutex;
  static std::optional<Library> library;
  const std::lock_guard lock(mutex);
  if (!library) {
    Result<Library> opened = Open();
    if (!opened.ok()) return opened.error();
    library = opened.value();
  }
  unsigned count = 0;
  if (const Return counted = library->count(&count); counted != kSuccess) {
    return Unavailable(library->error_string(counted));
  }
  std::vector<Reading> readings;
  for (unsigned index = 0; index < count && index < kMaxGpus; ++index) {
    Device device = nullptr;
    if (library->by_index(index, &device) == kSuccess) readings.push_back(ReadGpu(*library, device));
  }
  if (readings.empty()) return Unavailable("it sees no GPU");
  return readings;
}

}  // namespace fastsamd::nvml
