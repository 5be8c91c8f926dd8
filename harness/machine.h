#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "harness/nvml.h"
#include "harness/probe_device.h"

namespace moe::harness {

// Where and by what a result was measured. Only what is listed here is written down: never the
// environment variables, which hold secrets.
struct Environment {
  std::string cpu = "unknown";    // model name
  std::int64_t cores = 1;         // logical cores this process may use
  std::int64_t threads = 1;       // threads a strategy may use
  std::int64_t memory_bytes = 0;  // of the machine
  std::string kernel = "unknown";
  bool hypervisor = false;                // a virtual machine: neighbours make noise
  std::optional<std::string> governor{};  // frequency policy of the first core
  std::string governor_reason{};          // why there is none
  std::optional<double> load_average{};   // runnable tasks over the last minute
  std::string compiler = "unknown";
  std::string flags = "none";
  std::string build_id = "unknown";  // commit, plus -dirty when sources had changed
  std::string blas = "none";
  std::string isa = "unknown";  // instruction sets the processor has, separated by spaces
  std::optional<std::string> gpu{};
  std::string gpu_reason{};
  std::optional<std::string> gpu_driver{};  // 580.65.06
  std::string gpu_driver_reason{};
  std::optional<double> gpu_power_limit_watts{};  // in force when the run began
  std::string time_utc{};                         // 2026-11-22T01:02:03Z
  std::string argv{};                             // without the folders of absolute paths

  bool operator==(const Environment&) const = default;
};

// The machine as it is now, with the device that probe_device() found. `blas`: what the kernels
// call themselves linked to. `argv` as main() got it. `nvml`: the library that is asked about the
// GPU; a test brings its own.
Environment capture_environment(std::span<const char* const> argv, std::string blas,
                                const DeviceState& device,
                                const std::string& nvml = Nvml::kLibrary);

std::string build_id();

// 20261122T010203Z-1a2b3c: names one call of the program.
std::string make_run_id();

// The parts that read a text, apart so that they can be tested.
struct CpuInfo {
  std::string model = "unknown";
  bool hypervisor = false;
};
CpuInfo parse_cpuinfo(std::string_view proc_cpuinfo);

// One line that a shell reads back as the same words. Of the program and of absolute paths only the
// last part is kept: where somebody's files lie is nobody's business.
std::string command_line(std::span<const char* const> argv);

}  // namespace moe::harness
