// The rules by which a multiprocessor hands out its resources.
#include "harness/simt/machine/occupancy.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "harness/simt/machine/lanes.h"
#include "kernels/contract/error.h"

namespace moe::simt {
namespace {

constexpr int kThreadsPerBlock = 1024;
constexpr int kRegistersPerThread = 255;
constexpr int kRegistersPerMultiprocessor = 65536;
constexpr int kRegisterUnit = 256;     // a warp gets whole units
constexpr int kPartitions = 4;         // of a multiprocessor: warps and registers are dealt to them
constexpr int kSharedUnit = 128;       // bytes
constexpr int kSharedReserved = 1024;  // bytes of each block that belong to the system
constexpr int kBarriersPerBlockSlot = 2;  // named barriers: twice as many as blocks
constexpr int kUnlimited = std::numeric_limits<int>::max();

int ceil_div(int a, int b) { return (a + b - 1) / b; }
int round_up(int a, int unit) { return ceil_div(a, unit) * unit; }

int by_threads(const Architecture& architecture, int threads, int warps) {
  if (threads > kThreadsPerBlock) return 0;
  return architecture.threads_per_multiprocessor / kLanes / warps;
}

int by_registers(int registers, int warps) {
  if (registers > kRegistersPerThread) return 0;
  if (registers == 0) return kUnlimited;
  const int of_warp = round_up(registers * kLanes, kRegisterUnit);
  const int warps_of_partition = kRegistersPerMultiprocessor / kPartitions / of_warp;
  return warps_of_partition * kPartitions / warps;
}

int by_shared_memory(const Architecture& architecture, const KernelResources& kernel) {
  // In 64 bits: two sizes that are each valid may not be together.
  const std::int64_t asked = std::int64_t{kernel.static_shared} + kernel.dynamic_shared;
  if (asked > architecture.shared_per_block_optin) return 0;
  const int of_block = round_up(static_cast<int>(asked) + kSharedReserved, kSharedUnit);
  return architecture.shared_per_multiprocessor / of_block;
}

// Counted by the hardware from compute capability 9.0 on.
int by_barriers(const Architecture& architecture, int barriers) {
  if (architecture.major < 9 || barriers == 0) return kUnlimited;
  return kBarriersPerBlockSlot * architecture.blocks_per_multiprocessor / barriers;
}

void check(const KernelResources& kernel) {
  const auto refuse = [](const char* what, int value) {
    throw UserError(fmt::format("occupancy: {} is {}, expected a size", what, value));
  };
  if (kernel.threads <= 0) refuse("threads", kernel.threads);
  if (kernel.registers < 0) refuse("registers", kernel.registers);
  if (kernel.static_shared < 0) refuse("static_shared", kernel.static_shared);
  if (kernel.dynamic_shared < 0) refuse("dynamic_shared", kernel.dynamic_shared);
  if (kernel.barriers < 0) refuse("barriers", kernel.barriers);
}

}  // namespace

std::string_view name_of(Limit limit) {
  switch (limit) {
    case Limit::kThreads:
      return "threads";
    case Limit::kBlocks:
      return "blocks";
    case Limit::kRegisters:
      return "registers";
    case Limit::kSharedMemory:
      return "shared memory";
    case Limit::kBarriers:
      return "barriers";
  }
  throw std::logic_error("name_of: not a limit");
}

bool Occupancy::limited_by(Limit limit) const {
  return std::find(limits.begin(), limits.end(), limit) != limits.end();
}

Occupancy occupancy(const Architecture& architecture, const KernelResources& kernel) {
  check(kernel);
  const int warps = ceil_div(kernel.threads, kLanes);
  const std::pair<Limit, int> allowed[] = {
      {Limit::kThreads, by_threads(architecture, kernel.threads, warps)},
      {Limit::kBlocks, architecture.blocks_per_multiprocessor},
      {Limit::kRegisters, by_registers(kernel.registers, warps)},
      {Limit::kSharedMemory, by_shared_memory(architecture, kernel)},
      {Limit::kBarriers, by_barriers(architecture, kernel.barriers)},
  };
  Occupancy found;
  found.blocks = kUnlimited;
  for (const auto& [limit, blocks] : allowed) found.blocks = std::min(found.blocks, blocks);
  for (const auto& [limit, blocks] : allowed) {
    if (blocks == found.blocks) found.limits.push_back(limit);
  }
  found.warps = found.blocks * warps;
  found.of_all_warps = static_cast<double>(found.warps) * kLanes /
                       static_cast<double>(architecture.threads_per_multiprocessor);
  return found;
}

}  // namespace moe::simt
