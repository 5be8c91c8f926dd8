// The state behind the stand-in runtime: one device, what is loaded on it, and what went wrong so
// far.
#pragma once
#include <driver_types.h>

#include <map>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/simt/machine/device.h"
#include "harness/simt/runtime/api_error.h"
#include "harness/simt/runtime/control.h"
#include "harness/simt/runtime/environment.h"
#include "harness/simt/runtime/modules.h"
#include "harness/simt/runtime/streams.h"
#include "kernels/contract/error.h"

namespace moe::simt {

class Runtime {
 public:
  // Made on first use, which is when the first object registers its fatbin; never destroyed,
  // because the last calls come from handlers that run at exit.
  static Runtime& get();

  const Environment environment;
  std::recursive_mutex mutex;
  Device device;
  Modules modules;
  Streams streams;

  // The memory the simulated device says it has. Small enough for any host, chosen by hand.
  static constexpr std::size_t kDeviceBytes = std::size_t{8} << 30;

  // ---- errors ----------------------------------------------------------------------------------
  cudaError_t fault = cudaSuccess;  // of a kernel: stays, and is what every later call returns
  cudaError_t remember(cudaError_t status);  // for cudaGetLastError of this host thread
  cudaError_t take_last_error();
  cudaError_t peek_last_error() const;

  // ---- findings and counters -------------------------------------------------------------------
  void record(const Finding& finding);  // prints it
  // A finding of the host's side: `function` stands for the kernel.
  void record_host(Check check, std::string_view function, std::string message);
  // Prints why the stand-in refuses a call.
  void explain(std::string_view function, const ApiError& error);
  void count_launch(NamedCounters counters, int registers, int static_shared);

  std::vector<Finding> untaken_findings;
  std::vector<NamedCounters> untaken_counters;

  // For the report at exit: of all launches of one kernel with one block size and shared memory.
  struct KernelTotal {
    std::string kernel;
    int threads = 0;
    std::size_t dynamic_shared = 0;
    int static_shared = 0;
    int registers = 0;  // 0: unknown
    std::uint64_t launches = 0;
    Counters counters;
  };
  std::vector<Finding> all_findings;
  std::map<std::string, KernelTotal> totals;
  bool gap = false;  // a kernel could not be run for want of an instruction: never a success

 private:
  Runtime();
  std::set<std::string> printed_;
};

// Every runtime call runs its body here: one at a time, exceptions turned into statuses.
enum class AfterFault : std::uint8_t { kFails, kWorks };  // once a kernel has faulted

template <class Body>
cudaError_t runtime_call(const char* function, Body&& body, AfterFault after = AfterFault::kFails) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  if (runtime.fault != cudaSuccess && after == AfterFault::kFails) return runtime.fault;
  try {
    return runtime.remember(body(runtime));
  } catch (const ApiError& error) {
    if (error.finding) runtime.record_host(*error.finding, function, error.reason);
    if (error.refused) runtime.explain(function, error);
    return runtime.remember(error.status);
  } catch (const UserError& error) {
    runtime.explain(function, ApiError{cudaErrorInvalidConfiguration, error.what(), {}, true});
    return runtime.remember(cudaErrorInvalidConfiguration);
  } catch (const std::bad_alloc&) {
    return runtime.remember(cudaErrorMemoryAllocation);
  }
}

}  // namespace moe::simt
