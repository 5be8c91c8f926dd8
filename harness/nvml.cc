#include "harness/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace moe::harness {
namespace {

// Of nvml.h, which no build needs. Its numbers are part of the library's binary interface.
constexpr int kSuccess = 0;
constexpr int kSmClock = 1;
constexpr int kGpuSensor = 0;
constexpr unsigned kVersionBytes = 80;

struct ClockEvent {
  std::uint64_t bit;
  const char* name;
  bool throttles;
};
constexpr ClockEvent kClockEvents[] = {
    {0x1, "gpu-idle", false},
    {0x2, "applications-clocks-setting", false},
    {0x4, "software-power-cap", true},
    {0x8, "hardware-slowdown", true},
    {0x10, "sync-boost", false},
    {0x20, "software-thermal-slowdown", true},
    {0x40, "hardware-thermal-slowdown", true},
    {0x80, "hardware-power-brake", true},
    {0x100, "display-clock-setting", false},
};

}  // namespace

std::vector<std::string> clock_event_names(std::uint64_t mask) {
  std::vector<std::string> names;
  for (std::uint64_t bit = 1; bit != 0; bit <<= 1) {
    if ((mask & bit) == 0) continue;
    const auto* known = std::ranges::find(kClockEvents, bit, &ClockEvent::bit);
    names.push_back(known == std::end(kClockEvents) ? fmt::format("{:#x}", bit) : known->name);
  }
  return names;
}

std::vector<std::string> throttling(const GpuReading& reading) {
  std::vector<std::string> names;
  for (const ClockEvent& event : kClockEvents) {
    if (event.throttles && reading.clock_events &&
        std::ranges::count(*reading.clock_events, event.name) > 0) {
      names.emplace_back(event.name);
    }
  }
  return names;
}

Nvml::Nvml(const std::string& pci_bus_id, const std::string& library) : library_name_(library) {
  library_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    const char* why = dlerror();  // begins with the library's name
    fault_ = fmt::format("no {}", why != nullptr ? why : library.c_str());
    return;
  }
  start(pci_bus_id);
}

Nvml::~Nvml() {
  if (started_) ask("nvmlShutdown");
  if (library_ != nullptr) dlclose(library_);
}

template <class Function>
Function* Nvml::function(const char* name) const {
  return library_ == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(library_, name));
}

// False: the library has no such function, or it refused.
template <class... Arguments>
bool Nvml::ask(const char* name, Arguments... arguments) const {
  auto* call = function<int(Arguments...)>(name);
  return call != nullptr && call(arguments...) == kSuccess;
}

std::string Nvml::words(int status) const {
  auto* text = function<const char*(int)>("nvmlErrorString");
  return text != nullptr ? text(status) : fmt::format("error {}", status);
}

void Nvml::start(const std::string& pci_bus_id) {
  const auto must = [&](const char* name, auto... arguments) {
    auto* call = function<int(decltype(arguments)...)>(name);
    if (call == nullptr) {
      fault_ = fmt::format("{} has no {}", library_name_, name);
      return false;
    }
    const int status = call(arguments...);
    if (status != kSuccess) fault_ = fmt::format("{}: {}", name, words(status));
    return status == kSuccess;
  };
  started_ = must("nvmlInit_v2");
  if (!started_) return;
  if (pci_bus_id.empty()) {
    must("nvmlDeviceGetHandleByIndex_v2", 0U, &gpu_);
  } else {
    must("nvmlDeviceGetHandleByPciBusId_v2", pci_bus_id.c_str(), &gpu_);
  }
}

std::string Nvml::driver() const {
  std::array<char, kVersionBytes> text{};
  const bool told =
      fault_.empty() && ask("nvmlSystemGetDriverVersion", text.data(), kVersionBytes - 1);
  return told ? text.data() : "";
}

std::optional<double> Nvml::power_limit_watts() const {
  unsigned milliwatts = 0;
  if (!fault_.empty() || !ask("nvmlDeviceGetEnforcedPowerLimit", gpu_, &milliwatts)) return {};
  return milliwatts * 1e-3;
}

GpuReading Nvml::read() const {
  GpuReading reading;
  if (!fault_.empty()) return reading;
  unsigned value = 0;
  unsigned long long mask = 0;
  if (ask("nvmlDeviceGetClockInfo", gpu_, kSmClock, &value)) reading.sm_clock_mhz = value;
  if (ask("nvmlDeviceGetPowerUsage", gpu_, &value)) reading.power_watts = value * 1e-3;
  if (ask("nvmlDeviceGetTemperature", gpu_, kGpuSensor, &value)) {
    reading.temperature_celsius = value;
  }
  // The same by its name of before driver 535.
  if (ask("nvmlDeviceGetCurrentClocksEventReasons", gpu_, &mask) ||
      ask("nvmlDeviceGetCurrentClocksThrottleReasons", gpu_, &mask)) {
    reading.clock_events = clock_event_names(mask);
  }
  return reading;
}

std::string Nvml::sentence() const {
  if (!fault_.empty()) return fault_;
  const GpuReading now = read();
  const auto number = [](const std::optional<double>& value, const char* unit) {
    return value ? fmt::format("{:.0f} {}", *value, unit) : fmt::format("unknown {}", unit);
  };
  std::string events = "unknown clock events";
  if (now.clock_events) {
    events = now.clock_events->empty() ? "nothing holds the clock"
                                       : fmt::format("{}", fmt::join(*now.clock_events, ", "));
  }
  return fmt::format("driver {}, limit {}; now {}, {}, {}, {}",
                     driver().empty() ? "unknown" : driver(), number(power_limit_watts(), "W"),
                     number(now.sm_clock_mhz, "MHz"), number(now.power_watts, "W"),
                     number(now.temperature_celsius, "°C"), events);
}

}  // namespace moe::harness
