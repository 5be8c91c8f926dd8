// What the simulated device says of itself.
#pragma once
#include <driver_types.h>

#include <cstddef>

#include "harness/simt/machine/device.h"
#include "harness/simt/machine/occupancy.h"

namespace moe::simt {

// Where no cubin tells a kernel's registers: 32 a thread, with which registers never are what
// limits a multiprocessor of 2048 threads. Occupancy is then an upper bound.
inline constexpr int kAssumedRegisters = 32;

// Dynamic shared memory a block may have if `blocks` of such blocks are to be resident on a
// multiprocessor; 0 if they do not fit even without.
std::size_t dynamic_shared_for(const Architecture& architecture, const KernelResources& kernel,
                               int blocks);

// Source: CUDA C++ Programming Guide, compute capabilities. What the guide does not say (PCI,
// clocks, textures) is zero.
cudaDeviceProp properties_of(const Architecture& architecture, std::size_t memory_bytes);

}  // namespace moe::simt
