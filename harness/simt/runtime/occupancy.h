// How many blocks fit on a multiprocessor: the toolkit's own calculator, cuda_occupancy.h.
#pragma once
#include <driver_types.h>

#include <cstddef>

#include "harness/simt/machine/device.h"

namespace moe::simt {

// Where no cubin tells a kernel's registers: 32 a thread, with which registers never are what
// limits a multiprocessor of 2048 threads. Occupancy is then an upper bound.
inline constexpr int kAssumedRegisters = 32;

// What a block takes.
struct BlockNeeds {
  int threads = 0;
  int registers = kAssumedRegisters;  // of one thread
  int static_shared = 0;              // bytes
  std::size_t dynamic_shared = 0;     // bytes
};

// 0: the block does not fit at all.
int blocks_per_multiprocessor(const Architecture& architecture, const BlockNeeds& needs);

// Dynamic shared memory a block may have if `blocks` of them are to be resident.
std::size_t dynamic_shared_for(const Architecture& architecture, const BlockNeeds& needs,
                               int blocks);

// The properties of the simulated device. Sources: CUDA C++ Programming Guide, compute
// capabilities; what the guide does not say (PCI, clocks, textures) is zero.
cudaDeviceProp properties_of(const Architecture& architecture, std::size_t memory_bytes);

}  // namespace moe::simt
