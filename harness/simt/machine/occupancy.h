// How many blocks of a kernel fit on a multiprocessor, and which resource is the first to run out.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/simt/machine/device.h"

namespace moe::simt {

// What a launch asks of the multiprocessor. Registers are those ptxas gave the kernel (`ptxas -v`,
// or the cubin): PTX, and so the interpreter, does not know them.
struct KernelResources {
  int threads = 0;    // of a block
  int registers = 0;  // of a thread
  int static_shared = 0;
  int dynamic_shared = 0;
  int barriers = 1;  // named barriers a block uses
};

enum class Limit : std::uint8_t { kThreads, kBlocks, kRegisters, kSharedMemory, kBarriers };
std::string_view name_of(Limit limit);  // "shared memory"

struct Occupancy {
  int blocks = 0;             // resident on one multiprocessor; 0: such a block cannot be launched
  int warps = 0;              // of those blocks
  double of_all_warps = 0;    // 0 to 1
  std::vector<Limit> limits;  // every resource that allows no more than `blocks`

  bool limited_by(Limit limit) const;
};

// Sources: CUDA C++ programming guide 13.0, "Compute Capabilities" (limits of a multiprocessor) and
// "Hardware Multithreading" (allocation); the allocation units are those of the toolkit's occupancy
// calculator for 8.0, 9.0 and 10.0. Shared memory: the largest carveout. Throws UserError where
// threads are not positive or another number is negative.
Occupancy occupancy(const Architecture& architecture, const KernelResources& kernel);

}  // namespace moe::simt
