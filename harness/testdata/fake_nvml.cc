// Stands in for NVIDIA's management library: one GPU, at 0000:3B:00.0, that always says the same.
// With FAKE_NVML_OLD it lacks what an old driver lacks, and knows no temperature; with
// FAKE_NVML_BROKEN it does not start.
#include <cstring>

namespace {

constexpr int kSuccess = 0, kInvalid = 2, kNotSupported = 3, kNotFound = 6, kDriverNotLoaded = 9;
int gpu;

bool is_started = false;

int answer(const void* device, unsigned* to, unsigned value) {
  if (!is_started || device != &gpu) return kInvalid;
  *to = value;
  return kSuccess;
}

}  // namespace

extern "C" {

int nvmlInit_v2() {
#ifdef FAKE_NVML_BROKEN
  return kDriverNotLoaded;
#else
  is_started = true;
  return kSuccess;
#endif
}
int nvmlShutdown() {
  is_started = false;
  return kSuccess;
}
const char* nvmlErrorString(int status) {
  return status == kDriverNotLoaded ? "Driver Not Loaded"
         : status == kNotFound      ? "Not Found"
                                    : "Another Error";
}
int nvmlSystemGetDriverVersion(char* to, unsigned bytes) {
  constexpr char kVersion[] = "580.65.06";
  if (bytes < sizeof kVersion) return kInvalid;
  std::memcpy(to, kVersion, sizeof kVersion);
  return kSuccess;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = &gpu;
  return index == 0 ? kSuccess : kInvalid;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device) {
  *device = &gpu;
  return std::strcmp(id, "0000:3B:00.0") == 0 ? kSuccess : kNotFound;
}
int nvmlDeviceGetClockInfo(void* device, int clock, unsigned* mhz) {
  return clock == 1 ? answer(device, mhz, 1755) : kInvalid;  // NVML_CLOCK_SM
}
int nvmlDeviceGetEnforcedPowerLimit(void* device, unsigned* milliwatts) {
  return answer(device, milliwatts, 700000);
}

#ifdef FAKE_NVML_OLD
int nvmlDeviceGetTemperature(void*, int, unsigned*) { return kNotSupported; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void*, unsigned long long* mask) {
  *mask = 0x20;
  return kSuccess;
}
#else
int nvmlDeviceGetTemperature(void* device, int sensor, unsigned* celsius) {
  return sensor == 0 ? answer(device, celsius, 63) : kNotSupported;
}
int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts) {
  return answer(device, milliwatts, 412500);
}
int nvmlDeviceGetCurrentClocksEventReasons(void*, unsigned long long* mask) {
  *mask = 0x4 | 0x2;
  return kSuccess;
}
#endif

}  // extern "C"
