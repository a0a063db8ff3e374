// What NVML says about the GPU.
#include <string>

#include "nvml/nvml.h"
#include "report.h"

int main() {
  using namespace fastsamd;
  using namespace fastsamd::gpu;
  const auto gpus = nvml::ReadGpus();
  if (!Expect(gpus.ok(), "sensors: NVML answers", gpus.ok() ? "" : gpus.error().message)) return Finish();
  for (const nvml::Reading& gpu : gpus.value()) {
    const auto number = [](const auto& value, double scale) {
      return value ? Text("%.1f", static_cast<double>(*value) * scale) : std::string("-");
    };
    Expect(!gpu.name.empty() && gpu.load && *gpu.load <= 1.0 && gpu.memory_total_bytes && gpu.temperature_c &&
               gpu.power_w && gpu.clock_mhz,
           "sensors: " + gpu.name,
           "load " + number(gpu.load, 100) + " %, memory " + number(gpu.memory_used_bytes, 1e-9) + "/" +
               number(gpu.memory_total_bytes, 1e-9) + " GB, " + number(gpu.temperature_c, 1) + " C, " +
               number(gpu.power_w, 1) + "/" + number(gpu.power_limit_w, 1) + " W, " + number(gpu.clock_mhz, 1) + "/" +
               number(gpu.clock_max_mhz, 1) + " MHz");
  }
  return Finish();
}
