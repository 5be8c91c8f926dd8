// Occupancy and device properties.
#include "harness/simt/runtime/occupancy.h"

#include <algorithm>
#include <cstring>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <cuda_occupancy.h>
#pragma GCC diagnostic pop

#include <fmt/format.h>

namespace moe::simt {
namespace {

constexpr int kRegistersPerMultiprocessor = 65536;
constexpr int kReservedShared = 1024;  // of each block, sm_80 and later
constexpr int kMaxThreads = 1024;

cudaOccFuncAttributes attributes_of(const Architecture& architecture, const BlockNeeds& needs) {
  cudaOccFuncAttributes attributes;
  attributes.maxThreadsPerBlock = kMaxThreads;
  attributes.numRegs = needs.registers;
  attributes.sharedSizeBytes = needs.static_shared;
  attributes.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  attributes.maxDynamicSharedSizeBytes = architecture.shared_per_block_optin - needs.static_shared;
  attributes.numBlockBarriers = 1;
  return attributes;
}

}  // namespace

int blocks_per_multiprocessor(const Architecture& architecture, const BlockNeeds& needs) {
  const cudaOccDeviceProp device(properties_of(architecture, 0));
  const cudaOccFuncAttributes attributes = attributes_of(architecture, needs);
  const cudaOccDeviceState state;
  cudaOccResult result;
  const cudaOccError error = cudaOccMaxActiveBlocksPerMultiprocessor(
      &result, &device, &attributes, &state, needs.threads, needs.dynamic_shared);
  if (error != CUDA_OCC_SUCCESS) return 0;
  // The calculator does not know the limit of architectures that are given here.
  return std::min(result.activeBlocksPerMultiprocessor, architecture.blocks_per_multiprocessor);
}

std::size_t dynamic_shared_for(const Architecture& architecture, const BlockNeeds& needs,
                               int blocks) {
  const cudaOccDeviceProp device(properties_of(architecture, 0));
  const cudaOccFuncAttributes attributes = attributes_of(architecture, needs);
  const cudaOccDeviceState state;
  std::size_t bytes = 0;
  const cudaOccError error = cudaOccAvailableDynamicSMemPerBlock(&bytes, &device, &attributes,
                                                                 &state, blocks, needs.threads);
  return error == CUDA_OCC_SUCCESS ? bytes : 0;
}

cudaDeviceProp properties_of(const Architecture& architecture, std::size_t memory_bytes) {
  cudaDeviceProp properties;
  std::memset(&properties, 0, sizeof properties);
  const std::string name = fmt::format("simulated {}", architecture.device);
  std::strncpy(properties.name, name.c_str(), sizeof properties.name - 1);
  properties.totalGlobalMem = memory_bytes;
  properties.sharedMemPerBlock = architecture.shared_per_block;
  properties.regsPerBlock = kRegistersPerMultiprocessor;
  properties.warpSize = 32;
  properties.memPitch = 2147483647;
  properties.maxThreadsPerBlock = kMaxThreads;
  properties.maxThreadsDim[0] = properties.maxThreadsDim[1] = 1024;
  properties.maxThreadsDim[2] = 64;
  properties.maxGridSize[0] = 2147483647;
  properties.maxGridSize[1] = properties.maxGridSize[2] = 65535;
  properties.totalConstMem = 65536;
  properties.major = architecture.major;
  properties.minor = architecture.minor;
  properties.textureAlignment = 512;
  properties.texturePitchAlignment = 32;
  properties.multiProcessorCount = architecture.multiprocessors;
  properties.canMapHostMemory = 1;
  properties.concurrentKernels = 1;
  properties.unifiedAddressing = 1;
  properties.l2CacheSize = architecture.l2_bytes;
  properties.maxThreadsPerMultiProcessor = architecture.threads_per_multiprocessor;
  properties.streamPrioritiesSupported = 1;
  properties.globalL1CacheSupported = properties.localL1CacheSupported = 1;
  properties.sharedMemPerMultiprocessor = architecture.shared_per_multiprocessor;
  properties.regsPerMultiprocessor = kRegistersPerMultiprocessor;
  properties.managedMemory = 1;
  properties.computePreemptionSupported = 1;
  properties.canUseHostPointerForRegisteredMem = 1;
  properties.cooperativeLaunch =
      0;  // blocks run one after another: a grid-wide barrier cannot work
  properties.sharedMemPerBlockOptin = architecture.shared_per_block_optin;
  properties.maxBlocksPerMultiProcessor = architecture.blocks_per_multiprocessor;
  properties.reservedSharedMemPerBlock = kReservedShared;
  properties.hostRegisterSupported = 1;
  properties.memoryPoolsSupported = 1;
  properties.clusterLaunch = architecture.major >= 9 ? 1 : 0;
  return properties;
}

}  // namespace moe::simt
