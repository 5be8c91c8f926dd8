// The one runtime of the process: made from the environment, and reporting when the process ends.
#include "harness/simt/runtime/runtime.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "harness/simt/runtime/report.h"

namespace moe::simt {
namespace {

thread_local cudaError_t last_error = cudaSuccess;

constexpr int kExitBadUsage = 2;
constexpr int kExitFindings = 3;

// A program started with a setting it cannot understand must not start.
Environment environment_or_exit() {
  try {
    return read_environment(variable_of_process);
  } catch (const UserError& error) {
    fmt::print(stderr, "{}\n", error.what());
    std::fflush(nullptr);
    std::_Exit(kExitBadUsage);
  }
}

// Runs after the program's own handlers, because it was registered before main.
void at_exit(int status, void*) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  write_exit_report(runtime);
  const bool dirty = !runtime.untaken_findings.empty() || runtime.gap;
  if (dirty) {
    fmt::print(stderr, "simt: {} findings that the program did not take{}; exit code {}\n",
               runtime.untaken_findings.size(),
               runtime.gap ? " and a kernel that cannot be interpreted" : "",
               status != 0 ? status : kExitFindings);
  }
  if (dirty || status != 0) fmt::print(stderr, "simt: to repeat: {}\n", settings_line());
  std::fflush(nullptr);
  if (dirty && status == 0) std::_Exit(kExitFindings);
}

}  // namespace

Runtime::Runtime()
    : environment(environment_or_exit()),
      device(simt::architecture(environment.architecture)),
      modules(device) {
  device.settings = environment.settings;
  on_exit(at_exit, nullptr);
}

Runtime& Runtime::get() {
  static Runtime* const runtime = new Runtime;
  return *runtime;
}

cudaError_t Runtime::remember(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

cudaError_t Runtime::take_last_error() {
  const cudaError_t error = peek_last_error();
  last_error = cudaSuccess;
  return error;
}

cudaError_t Runtime::peek_last_error() const { return fault != cudaSuccess ? fault : last_error; }

void Runtime::record(const Finding& finding) {
  // In full once a statement; a program that runs a kernel under many schedules would drown in it.
  const std::string place = fmt::format("{}: {} at PTX line {}", name_of(finding.check),
                                        finding.kernel, finding.site.ptx_line);
  if (printed_.insert(place).second) {
    fmt::print(stderr, "simt: {}\n  {}\n", describe(finding), settings_line());
  } else {
    fmt::print(stderr, "simt: again {}\n  {}\n", place, settings_line());
  }
  all_findings.push_back(finding);
  untaken_findings.push_back(finding);
}

void Runtime::record_host(Check check, std::string_view function, std::string message) {
  Finding finding;
  finding.check = check;
  finding.kernel = function;
  finding.message = std::move(message);
  fmt::print(stderr, "simt: {}: {}: {}\n", name_of(check), function, finding.message);
  all_findings.push_back(finding);
  untaken_findings.push_back(std::move(finding));
}

void Runtime::explain(std::string_view function, const ApiError& error) {
  if (error.status == cudaErrorInvalidPtx) gap = true;
  fmt::print(stderr, "simt: {}: {}\n", function, error.reason);
}

void Runtime::count_launch(NamedCounters counters, int registers, int static_shared) {
  const int threads = static_cast<int>(counters.block.count());
  KernelTotal& total =
      totals[fmt::format("{} {} {}", counters.kernel, threads, counters.dynamic_shared)];
  total.kernel = counters.kernel;
  total.threads = threads;
  total.dynamic_shared = counters.dynamic_shared;
  total.static_shared = static_shared;
  total.registers = registers;
  ++total.launches;
  total.counters.add(counters.counters);
  untaken_counters.push_back(std::move(counters));
}

// ---- control.h ---------------------------------------------------------------------------------

Device& simulated_device() { return Runtime::get().device; }

Settings& settings() { return Runtime::get().device.settings; }

std::vector<Finding> take_findings() {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  return std::exchange(runtime.untaken_findings, {});
}

std::vector<NamedCounters> take_counters() {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  return std::exchange(runtime.untaken_counters, {});
}

void clear_fault() {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  runtime.fault = cudaSuccess;
  last_error = cudaSuccess;
}

std::string settings_line() {
  const Device& device = Runtime::get().device;
  return as_variables(device.architecture.name, device.settings);
}

}  // namespace moe::simt
