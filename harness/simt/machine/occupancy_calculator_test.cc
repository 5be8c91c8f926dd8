// Our occupancy against the toolkit's own calculator, over a grid of kernels. Only where the
// toolkit is installed; nothing else of the machine needs its headers.
#if __has_include(<cuda_occupancy.h>)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <cuda_occupancy.h>
#pragma GCC diagnostic pop
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/machine/occupancy.h"

namespace moe::simt {
namespace {

cudaOccDeviceProp properties(const Architecture& architecture) {
  cudaOccDeviceProp device;
  device.computeMajor = architecture.major;
  device.computeMinor = architecture.minor;
  device.maxThreadsPerBlock = 1024;
  device.maxThreadsPerMultiprocessor = architecture.threads_per_multiprocessor;
  device.regsPerBlock = 65536;
  device.regsPerMultiprocessor = 65536;
  device.warpSize = 32;
  device.sharedMemPerBlock = static_cast<std::size_t>(architecture.shared_per_block);
  device.sharedMemPerMultiprocessor =
      static_cast<std::size_t>(architecture.shared_per_multiprocessor);
  device.numSms = architecture.multiprocessors;
  device.sharedMemPerBlockOptin = static_cast<std::size_t>(architecture.shared_per_block_optin);
  device.reservedSharedMemPerBlock = 1024;
  return device;
}

cudaOccResult calculated(const cudaOccDeviceProp& device, const KernelResources& kernel) {
  cudaOccFuncAttributes attributes;
  attributes.maxThreadsPerBlock = 1024;
  attributes.numRegs = kernel.registers;
  attributes.sharedSizeBytes = static_cast<std::size_t>(kernel.static_shared);
  attributes.partitionedGCConfig = PARTITIONED_GC_OFF;
  attributes.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  attributes.maxDynamicSharedSizeBytes = static_cast<std::size_t>(kernel.dynamic_shared);
  attributes.numBlockBarriers = kernel.barriers;
  const cudaOccDeviceState state;
  cudaOccResult result;
  EXPECT_EQ(
      cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &attributes, &state, kernel.threads,
                                              static_cast<std::size_t>(kernel.dynamic_shared)),
      CUDA_OCC_SUCCESS);
  return result;
}

unsigned factors(const Occupancy& found) {
  unsigned bits = 0;
  if (found.limited_by(Limit::kThreads)) bits |= OCC_LIMIT_WARPS;
  if (found.limited_by(Limit::kBlocks)) bits |= OCC_LIMIT_BLOCKS;
  if (found.limited_by(Limit::kRegisters)) bits |= OCC_LIMIT_REGISTERS;
  if (found.limited_by(Limit::kSharedMemory)) bits |= OCC_LIMIT_SHARED_MEMORY;
  if (found.limited_by(Limit::kBarriers)) bits |= OCC_LIMIT_BARRIERS;
  return bits;
}

TEST(OccupancyCalculator, OfTheToolkitAgreesOverAGridOfKernels) {
  constexpr int kShared[] = {0, 1, 1000, 4096, 16384, 50000, 98304, 116736, 166912, 232448};
  for (const Architecture& each : architectures()) {
    const cudaOccDeviceProp device = properties(each);
    for (int threads = 1; threads <= 1056; threads += 31) {
      for (int registers = 1; registers <= 260; registers += 7) {
        for (const int dynamic : kShared) {
          for (const int barriers : {0, 1, 5, 16}) {
            const int fixed = registers % 3 * 1024;
            const KernelResources kernel{threads, registers, fixed, dynamic, barriers};
            if (fixed + dynamic > each.shared_per_block_optin) continue;
            const cudaOccResult expected = calculated(device, kernel);
            const Occupancy found = occupancy(each, kernel);
            ASSERT_EQ(found.blocks, expected.activeBlocksPerMultiprocessor)
                << each.device << ' ' << threads << ' ' << registers << ' ' << dynamic;
            // The calculator keeps naming what bound before it looked at barriers.
            if (!found.limited_by(Limit::kBarriers)) {
              ASSERT_EQ(factors(found), expected.limitingFactors)
                  << each.device << ' ' << threads << ' ' << registers << ' ' << dynamic;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace moe::simt
#endif
