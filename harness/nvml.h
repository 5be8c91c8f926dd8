// What NVIDIA's management library (NVML) tells of a GPU. The library comes with the driver: it is
// opened where there is one, and neither its header nor the library is needed to build.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moe::harness {

// One GPU at one moment. What the library does not tell is absent.
struct GpuReading {
  std::optional<double> sm_clock_mhz{};
  std::optional<double> power_watts{};
  std::optional<double> temperature_celsius{};
  // Why the clock is not higher: "gpu-idle", "software-power-cap", ...; empty: nothing keeps it.
  std::optional<std::vector<std::string>> clock_events{};
  bool operator==(const GpuReading&) const = default;
};

// The names of a mask of NVML's clock event reasons, in the order of its bits; a bit without a name
// as "0x200".
std::vector<std::string> clock_event_names(std::uint64_t mask);

// Those of the reading's events by which heat or power holds the clock down: what is measured then
// is the cooling, and the next run may be faster.
std::vector<std::string> throttling(const GpuReading& reading);

class Nvml {
 public:
  static constexpr const char* kLibrary = "libnvidia-ml.so.1";

  // The GPU at a PCI bus id ("0000:3b:00.0"), or the first one where it is empty. Never throws.
  explicit Nvml(const std::string& pci_bus_id, const std::string& library = kLibrary);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  // Why nothing can be read, in the loader's or the library's words; empty where something can.
  const std::string& fault() const { return fault_; }

  std::string driver() const;                       // "580.65.06"; empty: not told
  std::optional<double> power_limit_watts() const;  // the one in force
  GpuReading read() const;
  std::string sentence() const;  // all of it, for people

 private:
  template <class Function>
  Function* function(const char* name) const;
  template <class... Arguments>
  bool ask(const char* name, Arguments... arguments) const;
  std::string words(int status) const;
  void start(const std::string& pci_bus_id);

  std::string library_name_;
  void* library_ = nullptr;
  bool started_ = false;
  void* gpu_ = nullptr;  // nvmlDevice_t
  std::string fault_;
};

}  // namespace moe::harness
