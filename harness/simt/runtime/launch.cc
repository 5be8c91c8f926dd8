// Checks launches, runs them, and turns what was found into a status.
#include "harness/simt/runtime/launch.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace moe::simt {
namespace {

// CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
constexpr unsigned kMaxThreads = 1024;
constexpr unsigned kMaxBlockX = 1024, kMaxBlockY = 1024, kMaxBlockZ = 64;
constexpr unsigned kMaxGridX = 2147483647, kMaxGridYZ = 65535;
constexpr unsigned kMaxPortableCluster = 8, kMaxCluster = 16;

bool within(const dim3& size, unsigned x, unsigned y, unsigned z) {
  return size.x >= 1 && size.y >= 1 && size.z >= 1 && size.x <= x && size.y <= y && size.z <= z;
}

Dim3 as_dim3(const dim3& size) { return {size.x, size.y, size.z}; }

void check_cluster(const Runtime& runtime, const KernelHandle& kernel,
                   const LaunchRequest& request) {
  const KernelInfo& info = runtime.modules.info(kernel);
  dim3 cluster = request.cluster;
  if (info.cluster[0] > 0) {
    const dim3 own(info.cluster[0], info.cluster[1], info.cluster[2]);
    const bool other = as_dim3(cluster).count() > 1 &&
                       (cluster.x != own.x || cluster.y != own.y || cluster.z != own.z);
    if (other)
      throw ApiError{cudaErrorInvalidClusterSize, "not the kernel's __cluster_dims__", {}, false};
    cluster = own;
  }
  const std::uint64_t blocks = as_dim3(cluster).count();
  if (blocks == 1) return;
  if (runtime.device.architecture.major < 9) {
    throw ApiError{cudaErrorInvalidClusterSize, "clusters need sm_90", {}, false};
  }
  const unsigned limit = kernel.nonportable_cluster ? kMaxCluster : kMaxPortableCluster;
  if (blocks == 0 || blocks > limit) {
    throw ApiError{cudaErrorInvalidClusterSize, "too many blocks in a cluster", {}, false};
  }
  const dim3& grid = request.grid;
  if (grid.x % cluster.x != 0 || grid.y % cluster.y != 0 || grid.z % cluster.z != 0) {
    throw ApiError{
        cudaErrorInvalidConfiguration, "the grid is no multiple of the cluster", {}, false};
  }
}

// The error a real device reports for what stopped the kernel. Findings are in no order, and only
// one of them stopped it: one of those that always do.
cudaError_t status_of(const std::vector<Finding>& findings) {
  const auto has = [&](Check check) {
    return std::any_of(findings.begin(), findings.end(),
                       [&](const Finding& finding) { return finding.check == check; });
  };
  if (has(Check::kOutOfBounds) || has(Check::kUseAfterFree)) return cudaErrorIllegalAddress;
  if (has(Check::kMisaligned)) return cudaErrorMisalignedAddress;
  if (has(Check::kDeadlock)) return cudaErrorLaunchTimeout;
  return cudaErrorLaunchFailure;  // also of a trap
}

cudaError_t run(Runtime& runtime, const KernelHandle& kernel, const LaunchConfig& config,
                std::span<void* const> arguments) {
  if (runtime.fault != cudaSuccess) return runtime.fault;
  LaunchReport report;
  try {
    report = runtime.device.launch(*kernel.kernel, config, arguments);
  } catch (const ptx::Error& error) {
    throw refusal(error.what(), cudaErrorInvalidPtx);
  }
  for (const Finding& finding : report.findings) runtime.record(finding);
  NamedCounters counters{kernel.name, config.grid, config.block, config.dynamic_shared,
                         report.counters};
  runtime.count_launch(std::move(counters), runtime.modules.registers(kernel),
                       runtime.modules.info(kernel).static_shared);
  if (!report.ok) {
    runtime.fault = status_of(report.findings);
    return runtime.fault;
  }
  return runtime.environment.strict && !report.findings.empty() ? cudaErrorLaunchFailure
                                                                : cudaSuccess;
}

// A launch's arguments, kept for a graph that runs later.
struct KeptArguments {
  std::vector<std::vector<std::byte>> values;
  std::vector<void*> pointers;

  KeptArguments(const std::vector<ptx::Parameter>& parameters, void** arguments) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto* value = static_cast<const std::byte*>(arguments[i]);
      values.emplace_back(value, value + parameters[i].bytes);
    }
    for (auto& value : values) pointers.push_back(value.data());
  }
};

}  // namespace

int dynamic_shared_limit(const Runtime& runtime, const KernelHandle& kernel) {
  if (kernel.max_dynamic_shared >= 0) return kernel.max_dynamic_shared;
  const int left =
      runtime.device.architecture.shared_per_block - runtime.modules.info(kernel).static_shared;
  return std::max(0, left);
}

void check_launch(Runtime& runtime, const KernelHandle& kernel, const LaunchRequest& request) {
  const KernelInfo& info = runtime.modules.info(kernel);
  if (!within(request.grid, kMaxGridX, kMaxGridYZ, kMaxGridYZ)) {
    throw ApiError{cudaErrorInvalidConfiguration, "the grid's size", {}, false};
  }
  if (!within(request.block, kMaxBlockX, kMaxBlockY, kMaxBlockZ) ||
      as_dim3(request.block).count() > kMaxThreads) {
    throw ApiError{cudaErrorInvalidConfiguration, "the block's size", {}, false};
  }
  if (as_dim3(request.block).count() > static_cast<std::uint64_t>(info.max_threads)) {
    throw ApiError{cudaErrorInvalidValue, "more threads than __launch_bounds__ says", {}, false};
  }
  if (request.dynamic_shared > static_cast<std::size_t>(dynamic_shared_limit(runtime, kernel))) {
    throw ApiError{
        cudaErrorInvalidValue, "more dynamic shared memory than was asked for", {}, false};
  }
  check_cluster(runtime, kernel, request);
}

PreparedLaunch prepare_launch(Runtime& runtime, const LaunchRequest& request, void** arguments) {
  const KernelHandle& kernel = runtime.modules.need_function(request.function);
  check_launch(runtime, kernel, request);
  LaunchConfig config{as_dim3(request.grid), as_dim3(request.block), as_dim3(request.cluster),
                      request.dynamic_shared};
  const std::vector<ptx::Parameter>& parameters = runtime.modules.info(kernel).parameters;
  if (!parameters.empty() && arguments == nullptr) {
    throw ApiError{cudaErrorInvalidValue, "no arguments", {}, false};
  }
  const auto kept = std::make_shared<KeptArguments>(parameters, arguments);
  return {kernel.name, [&runtime, &kernel, config, kept] {
            return run(runtime, kernel, config, kept->pointers);
          }};
}

cudaError_t launch(Runtime& runtime, const LaunchRequest& request, void** arguments) {
  PreparedLaunch prepared = prepare_launch(runtime, request, arguments);
  return runtime.streams.submit(request.stream, cudaGraphNodeTypeKernel, std::move(prepared.name),
                                std::move(prepared.work));
}

cudaError_t launch_call(const char* call, const LaunchRequest& request, void** arguments) {
  return runtime_call(call, [&](Runtime& runtime) { return launch(runtime, request, arguments); });
}

}  // namespace moe::simt
