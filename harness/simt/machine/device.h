// The simulated device: its memory, the modules loaded into it, and launches.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/simt/check/finding.h"
#include "harness/simt/machine/counters.h"
#include "harness/simt/machine/memory.h"
#include "harness/simt/machine/settings.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

// What a real device of that architecture has. Sources: CUDA programming guide, compute
// capabilities.
struct Architecture {
  std::string name;    // "80", "90a", "100a": as in compute_90a
  std::string device;  // "A100", "H100", "B200"
  int major = 0, minor = 0;
  int multiprocessors = 0;
  int shared_per_block = 49152;  // without opting in
  int shared_per_block_optin = 0;
  int shared_per_multiprocessor = 0;
  int threads_per_multiprocessor = 2048;
  int blocks_per_multiprocessor = 32;
  int l2_bytes = 0;
};
std::span<const Architecture> architectures();
// Throws UserError when there is none of that name.
const Architecture& architecture(std::string_view name);

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
  std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

class Program;  // a module, decoded
class Kernel;   // one of its entries

// Registers, shared memory and so on, as cudaFuncGetAttributes tells them.
struct KernelInfo {
  std::string name;
  int max_threads = 1024;
  int static_shared = 0;
  int local_bytes = 0;
  int cluster[3] = {0, 0, 0};
  std::vector<ptx::Parameter> parameters;  // in order; sizes of the launch's arguments
};

struct LaunchConfig {
  Dim3 grid, block;
  Dim3 cluster;  // 1,1,1: none given here (the kernel's own .reqnctapercluster then counts)
  std::size_t dynamic_shared = 0;
};

struct LaunchReport {
  bool ok = true;                 // false: the kernel was stopped (fault, deadlock)
  std::vector<Finding> findings;  // also of launches that ran to their end
  Counters counters;
};

class Device {
 public:
  explicit Device(const Architecture& architecture);
  ~Device();

  const Architecture architecture;
  Memory memory;
  Settings settings;

  // Parses and decodes. Throws ptx::Error. The program's variables live until it is unloaded.
  std::shared_ptr<Program> load(std::string_view ptx, std::string name);
  // Null if the program has no entry of that (mangled) name.
  std::shared_ptr<Kernel> kernel(const std::shared_ptr<Program>& program, std::string_view name);
  const KernelInfo& info(const Kernel& kernel) const;
  // Address of a module variable in device memory and its size; null if there is none.
  void* variable(const Program& program, std::string_view name, std::size_t* bytes) const;

  // Runs the kernel to its end. `arguments` point at the values, one a parameter, as for
  // cudaLaunchKernel. Throws UserError for a configuration the device refuses (too many threads,
  // too much shared memory).
  LaunchReport launch(const Kernel& kernel, const LaunchConfig& config,
                      std::span<void* const> arguments);

 private:
  std::mutex launching_;
};

}  // namespace moe::simt
