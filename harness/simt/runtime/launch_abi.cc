// The functions that nvcc's objects call behind the headers' back, as toolkit 13.0 has them.
// abi_check.cmake reads the names from this file: one definition a line, its name first.
#include <cuda_runtime_api.h>

#include <vector>

#include "harness/simt/runtime/launch.h"
#include "harness/simt/runtime/runtime.h"

namespace moe::simt {
namespace {

// What <<<>>> pushes before the arguments are evaluated, and the stub pops.
struct CallConfiguration {
  dim3 grid, block;
  std::size_t shared = 0;
  cudaStream_t stream = nullptr;
};
thread_local std::vector<CallConfiguration> pushed;

FatBinary* binary_of(void** handle) { return reinterpret_cast<FatBinary*>(handle); }

}  // namespace
}  // namespace moe::simt

using namespace moe::simt;

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  const auto& fatbin = *static_cast<const FatbinWrapper*>(wrapper);
  if (fatbin.magic != kFatbinWrapperMagic) return nullptr;
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  return reinterpret_cast<void**>(runtime.modules.add_binary(fatbin.data));
}

void __cudaRegisterFatBinaryEnd(void**) {}

void __cudaUnregisterFatBinary(void** handle) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  runtime.modules.remove_binary(binary_of(handle));
}

void __cudaRegisterFunction(void** handle, const char* host_function, char*,
                            const char* device_name, int, uint3*, uint3*, dim3*, dim3*, int*) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  runtime.modules.add_function(binary_of(handle), host_function, device_name);
}

void __cudaRegisterVar(void** handle, char* host_variable, char*, const char* device_name, int,
                       std::size_t bytes, int constant, int) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  runtime.modules.add_variable(host_variable,
                               {binary_of(handle), device_name, bytes, constant != 0, nullptr});
}

void __cudaRegisterManagedVar(void** handle, void** host_pointer, char*, const char* device_name,
                              int, std::size_t bytes, int, int) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  runtime.modules.add_variable(host_pointer,
                               {binary_of(handle), device_name, bytes, false, host_pointer});
}

char __cudaInitModule(void** handle) {
  const cudaError_t status = runtime_call("__cudaInitModule", [&](Runtime& runtime) {
    runtime.modules.place_managed(*binary_of(handle));
    return cudaSuccess;
  });
  return status == cudaSuccess ? 1 : 0;
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared,
                                     CUstream_st* stream) {
  pushed.push_back({grid, block, shared, stream});
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared, void* stream) {
  if (pushed.empty()) return cudaErrorMissingConfiguration;
  const CallConfiguration configuration = pushed.back();
  pushed.pop_back();
  *grid = configuration.grid;
  *block = configuration.block;
  *shared = configuration.shared;
  *static_cast<cudaStream_t*>(stream) = configuration.stream;
  return cudaSuccess;
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* host_function) {
  return runtime_call(
      "__cudaGetKernel",
      [&](Runtime& runtime) {
        KernelHandle* handle = runtime.modules.find_function(host_function);
        *kernel = reinterpret_cast<cudaKernel_t>(handle);
        return handle != nullptr ? cudaSuccess : cudaErrorInvalidDeviceFunction;
      },
      AfterFault::kWorks);
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                               std::size_t shared, cudaStream_t stream) {
  return launch_call("<<<>>>", {kernel, grid, block, shared, stream, {1, 1, 1}}, arguments);
}

cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                                    std::size_t shared, cudaStream_t stream) {
  if (stream == nullptr) stream = cudaStreamPerThread;
  return launch_call("<<<>>>", {kernel, grid, block, shared, stream, {1, 1, 1}}, arguments);
}

}  // extern "C"
