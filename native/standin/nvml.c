// NVML as far as native/nvml calls it: two GPUs, the second of which has neither a thermometer nor memory of its own.
// FASTSAMD_STANDIN_NVML_ERROR is what nvmlInit_v2 answers.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kNotSupported = 3, kDriverNotLoaded = 9 };

static int IsSecond(const void* device) { return device == (const void*)(uintptr_t)2; }

int nvmlInit_v2(void) {
  const char* error = getenv("FASTSAMD_STANDIN_NVML_ERROR");
  return error == NULL ? 0 : atoi(error);
}
const char* nvmlErrorString(int error) { return error == kDriverNotLoaded ? "Driver Not Loaded" : "Unknown Error"; }
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = (void*)((uintptr_t)index + 1);
  return 0;
}
int nvmlDeviceGetName(const void* device, char* name, unsigned length) {
  snprintf(name, length, "GPU %d", IsSecond(device) ? 2 : 1);
  return 0;
}
int nvmlDeviceGetUtilizationRates(const void* device, unsigned* rates) {
  rates[0] = IsSecond(device) ? 75 : 30;
  rates[1] = 10;
  return 0;
}
int nvmlDeviceGetMemoryInfo(const void* device, unsigned long long* memory) {
  if (IsSecond(device)) return kNotSupported;
  memory[0] = 8000;
  memory[1] = 5000;
  memory[2] = 3000;
  return 0;
}
int nvmlDeviceGetTemperature(const void* device, int sensor, unsigned* celsius) {
  (void)sensor;
  if (IsSecond(device)) return kNotSupported;
  *celsius = 61;
  return 0;
}
int nvmlDeviceGetPowerUsage(const void* device, unsigned* milliwatts) {
  (void)device;
  *milliwatts = 42500;
  return 0;
}
int nvmlDeviceGetClockInfo(const void* device, int clock, unsigned* mhz) {
  (void)device;
  (void)clock;
  *mhz = 1200;
  return 0;
}
int nvmlDeviceGetMaxClockInfo(const void* device, int clock, unsigned* mhz) {
  (void)device;
  (void)clock;
  *mhz = 1980;
  return 0;
}
