// Kernels: launching them, their attributes, and how many of their blocks fit.
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "harness/simt/runtime/device_properties.h"
#include "harness/simt/runtime/launch.h"
#include "harness/simt/runtime/runtime.h"

namespace moe::simt {
namespace {

KernelResources resources_of(Runtime& runtime, const KernelHandle& kernel, int threads,
                             std::size_t dynamic_shared) {
  const int registers = runtime.modules.registers(kernel);
  return {threads, registers > 0 ? registers : kAssumedRegisters,
          runtime.modules.info(kernel).static_shared, static_cast<int>(dynamic_shared)};
}

void set_max_dynamic_shared(Runtime& runtime, KernelHandle& kernel, int bytes) {
  const int limit = runtime.device.architecture.shared_per_block_optin -
                    runtime.modules.info(kernel).static_shared;
  if (bytes < 0 || bytes > limit) {
    throw ApiError{
        cudaErrorInvalidValue, fmt::format("{} of at most {} bytes", bytes, limit), {}, false};
  }
  kernel.max_dynamic_shared = bytes;
}

cudaError_t refuse_cooperative(const char* function) {
  return runtime_call(function, [](Runtime&) -> cudaError_t {
    throw refusal("blocks run one after another, so a grid-wide barrier can never be passed");
  });
}

// Reads the attributes of cudaLaunchKernelExC into the request.
void read_attributes(const cudaLaunchConfig_t& config, LaunchRequest& request) {
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = config.attrs[i];
    switch (attribute.id) {
      case cudaLaunchAttributeClusterDimension:
        request.cluster = {attribute.val.clusterDim.x, attribute.val.clusterDim.y,
                           attribute.val.clusterDim.z};
        break;
      case cudaLaunchAttributeCooperative:
        if (attribute.val.cooperative != 0) throw refusal("cooperative launches are not simulated");
        break;
      // How a device overlaps and places work. Running it in order is one of the ways it may.
      case cudaLaunchAttributeIgnore:
      case cudaLaunchAttributeProgrammaticStreamSerialization:
      case cudaLaunchAttributePriority:
      case cudaLaunchAttributeClusterSchedulingPolicyPreference:
      case cudaLaunchAttributeAccessPolicyWindow:
      case cudaLaunchAttributePreferredSharedMemoryCarveout:
      case cudaLaunchAttributeMemSyncDomain:
        break;
      default:
        throw refusal(
            fmt::format("launch attribute {} is not simulated", static_cast<int>(attribute.id)));
    }
  }
}

}  // namespace
}  // namespace moe::simt

using namespace moe::simt;

extern "C" {

cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** arguments,
                             std::size_t shared, cudaStream_t stream) {
  return launch_call("cudaLaunchKernel", {function, grid, block, shared, stream, {1, 1, 1}},
                     arguments);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function,
                                void** arguments) {
  return runtime_call("cudaLaunchKernelExC", [&](Runtime& runtime) {
    if (config == nullptr) return cudaErrorInvalidValue;
    LaunchRequest request{function,         config->gridDim,
                          config->blockDim, config->dynamicSmemBytes,
                          config->stream,   {1, 1, 1}};
    read_attributes(*config, request);
    return launch(runtime, request, arguments);
  });
}

cudaError_t cudaLaunchCooperativeKernel(const void*, dim3, dim3, void**, std::size_t,
                                        cudaStream_t) {
  return refuse_cooperative("cudaLaunchCooperativeKernel");
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  return runtime_call("cudaFuncGetAttributes", [&](Runtime& runtime) {
    if (attributes == nullptr) return cudaErrorInvalidValue;
    const KernelHandle& kernel = runtime.modules.need_function(function);
    const KernelInfo& info = runtime.modules.info(kernel);
    const int registers = runtime.modules.registers(kernel);
    const Architecture& architecture = runtime.device.architecture;
    *attributes = {};
    attributes->sharedSizeBytes = info.static_shared;
    attributes->localSizeBytes = info.local_bytes;
    attributes->maxThreadsPerBlock = info.max_threads;
    attributes->numRegs = registers > 0 ? registers : kAssumedRegisters;
    attributes->ptxVersion = kernel.binary->ptx_capability;
    attributes->binaryVersion = architecture.major * 10 + architecture.minor;
    attributes->maxDynamicSharedSizeBytes = dynamic_shared_limit(runtime, kernel);
    attributes->preferredShmemCarveout = kernel.carveout;
    attributes->clusterDimMustBeSet = info.cluster[0] > 0 ? 1 : 0;
    attributes->requiredClusterWidth = info.cluster[0];
    attributes->requiredClusterHeight = info.cluster[1];
    attributes->requiredClusterDepth = info.cluster[2];
    attributes->nonPortableClusterSizeAllowed = kernel.nonportable_cluster ? 1 : 0;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  return runtime_call("cudaFuncSetAttribute", [&](Runtime& runtime) {
    KernelHandle& kernel = runtime.modules.need_function(function);
    switch (attribute) {
      case cudaFuncAttributeMaxDynamicSharedMemorySize:
        set_max_dynamic_shared(runtime, kernel, value);
        return cudaSuccess;
      case cudaFuncAttributePreferredSharedMemoryCarveout:
        if (value < -1 || value > 100) return cudaErrorInvalidValue;
        kernel.carveout = value;
        return cudaSuccess;
      case cudaFuncAttributeNonPortableClusterSizeAllowed:
        kernel.nonportable_cluster = value != 0;
        return cudaSuccess;
      case cudaFuncAttributeClusterSchedulingPolicyPreference:
        return cudaSuccess;
      default:
        return cudaErrorInvalidValue;
    }
  });
}

// A preference, which a device may follow or not.
cudaError_t cudaFuncSetCacheConfig(const void* function, cudaFuncCache) {
  return runtime_call("cudaFuncSetCacheConfig", [&](Runtime& runtime) {
    return runtime.modules.find_function(function) != nullptr ? cudaSuccess
                                                              : cudaErrorInvalidDeviceFunction;
  });
}

cudaError_t cudaFuncGetName(const char** name, const void* function) {
  return runtime_call("cudaFuncGetName", [&](Runtime& runtime) {
    const KernelHandle* kernel = runtime.modules.find_function(function);
    if (name == nullptr) return cudaErrorInvalidValue;
    if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
    *name = kernel->name.c_str();
    return cudaSuccess;
  });
}

cudaError_t cudaGetFuncBySymbol(cudaFunction_t* result, const void* symbol) {
  return runtime_call("cudaGetFuncBySymbol", [&](Runtime& runtime) {
    KernelHandle* kernel = runtime.modules.find_function(symbol);
    if (result == nullptr) return cudaErrorInvalidValue;
    *result = reinterpret_cast<cudaFunction_t>(kernel);
    return kernel != nullptr ? cudaSuccess : cudaErrorInvalidDeviceFunction;
  });
}

cudaError_t cudaGetKernel(cudaKernel_t* result, const void* function) {
  return runtime_call("cudaGetKernel", [&](Runtime& runtime) {
    KernelHandle* kernel = runtime.modules.find_function(function);
    if (result == nullptr) return cudaErrorInvalidValue;
    *result = reinterpret_cast<cudaKernel_t>(kernel);
    return kernel != nullptr ? cudaSuccess : cudaErrorInvalidDeviceFunction;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int* blocks, const void* function, int threads, std::size_t dynamic_shared, unsigned) {
  return runtime_call("cudaOccupancyMaxActiveBlocksPerMultiprocessor", [&](Runtime& runtime) {
    if (blocks == nullptr || threads <= 0) return cudaErrorInvalidValue;
    const KernelHandle& kernel = runtime.modules.need_function(function);
    const bool fits =
        threads <= runtime.modules.info(kernel).max_threads &&
        dynamic_shared <= static_cast<std::size_t>(dynamic_shared_limit(runtime, kernel));
    *blocks = fits ? occupancy(runtime.device.architecture,
                               resources_of(runtime, kernel, threads, dynamic_shared))
                         .blocks
                   : 0;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* function,
                                                          int threads, std::size_t dynamic_shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
      blocks, function, threads, dynamic_shared, cudaOccupancyDefault);
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(std::size_t* bytes, const void* function,
                                                      int blocks, int threads) {
  return runtime_call("cudaOccupancyAvailableDynamicSMemPerBlock", [&](Runtime& runtime) {
    if (bytes == nullptr || blocks <= 0 || threads <= 0) return cudaErrorInvalidValue;
    const KernelHandle& kernel = runtime.modules.need_function(function);
    *bytes = dynamic_shared_for(runtime.device.architecture,
                                resources_of(runtime, kernel, threads, 0), blocks);
    return cudaSuccess;
  });
}

// Clusters that fit, as if each multiprocessor's blocks could go to any cluster: an upper bound,
// because a real device places a cluster within one group of multiprocessors.
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, const void* function,
                                           const cudaLaunchConfig_t* config) {
  return runtime_call("cudaOccupancyMaxActiveClusters", [&](Runtime& runtime) {
    if (clusters == nullptr || config == nullptr) return cudaErrorInvalidValue;
    LaunchRequest request{function,         config->gridDim,
                          config->blockDim, config->dynamicSmemBytes,
                          config->stream,   {1, 1, 1}};
    read_attributes(*config, request);
    const KernelHandle& kernel = runtime.modules.need_function(function);
    check_launch(runtime, kernel, request);
    const int threads = static_cast<int>(request.block.x * request.block.y * request.block.z);
    const int blocks = occupancy(runtime.device.architecture,
                                 resources_of(runtime, kernel, threads, request.dynamic_shared))
                           .blocks;
    const int size = static_cast<int>(request.cluster.x * request.cluster.y * request.cluster.z);
    *clusters = blocks * runtime.device.architecture.multiprocessors / size;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxPotentialClusterSize(int* size, const void* function,
                                                 const cudaLaunchConfig_t*) {
  return runtime_call("cudaOccupancyMaxPotentialClusterSize", [&](Runtime& runtime) {
    if (size == nullptr) return cudaErrorInvalidValue;
    const KernelHandle& kernel = runtime.modules.need_function(function);
    if (runtime.device.architecture.major < 9) return cudaErrorNotSupported;
    *size = kernel.nonportable_cluster ? 16 : 8;
    return cudaSuccess;
  });
}

}  // extern "C"
