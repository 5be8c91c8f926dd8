// Kernel launches, whichever way they were asked for.
#pragma once
#include <driver_types.h>
#include <vector_types.h>

#include <cstddef>
#include <string>

#include "harness/simt/runtime/runtime.h"

namespace moe::simt {

struct LaunchRequest {
  const void* function = nullptr;  // the host's function or a cudaKernel_t
  dim3 grid, block;
  std::size_t dynamic_shared = 0;
  cudaStream_t stream = nullptr;
  dim3 cluster;  // 1,1,1: none asked for
};

// As cudaLaunchKernel. `call` names the runtime function for messages.
cudaError_t launch_call(const char* call, const LaunchRequest& request, void** arguments);

// The checks of a launch, in the order a real driver makes them. Throws ApiError.
void check_launch(Runtime& runtime, const KernelHandle& kernel, const LaunchRequest& request);

// The kernel a request names, checked, as work with a copy of its arguments.
struct PreparedLaunch {
  std::string name;  // mangled
  Work work;
};
PreparedLaunch prepare_launch(Runtime& runtime, const LaunchRequest& request, void** arguments);

// Checks, then runs or (in a capturing stream) notes the launch with a copy of its arguments.
cudaError_t launch(Runtime& runtime, const LaunchRequest& request, void** arguments);

// Dynamic shared memory the kernel may be launched with: what cudaFuncSetAttribute asked for, or
// what is left of 48 KiB.
int dynamic_shared_limit(const Runtime& runtime, const KernelHandle& kernel);

}  // namespace moe::simt
