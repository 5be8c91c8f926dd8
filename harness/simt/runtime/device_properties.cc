// The simulated device's properties.
#include "harness/simt/runtime/device_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace moe::simt {
namespace {

constexpr int kRegistersPerMultiprocessor = 65536;
constexpr int kReservedShared = 1024;  // of each block, sm_80 and later
constexpr int kSharedUnit = 128;       // bytes
constexpr int kMaxThreads = 1024;

}  // namespace

std::size_t dynamic_shared_for(const Architecture& architecture, const KernelResources& kernel,
                               int blocks) {
  if (occupancy(architecture, kernel).blocks < blocks) return 0;
  const int share = architecture.shared_per_multiprocessor / blocks / kSharedUnit * kSharedUnit;
  const int most = std::min(share - kReservedShared, architecture.shared_per_block_optin);
  return std::max(0, most - kernel.static_shared);
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
