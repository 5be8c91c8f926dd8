#include "harness/simt/machine/device.h"

#include <fmt/format.h>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/launch.h"
#include "harness/simt/machine/program.h"
#include "harness/simt/machine/scheduler.h"
#include "kernels/contract/error.h"

namespace moe::simt {
namespace {

void check_config(const Architecture& device, const Kernel& kernel, const LaunchConfig& config) {
  const std::uint64_t threads = config.block.count();
  if (threads == 0 || config.grid.count() == 0) {
    throw UserError(fmt::format("{}: an empty grid or block cannot be launched", kernel.info.name));
  }
  if (threads > 1024 || config.block.z > 64) {
    throw UserError(
        fmt::format("{}: a block of {} threads; 1024 are the most", kernel.info.name, threads));
  }
  if (threads > static_cast<std::uint64_t>(kernel.info.max_threads)) {
    throw UserError(fmt::format("{}: a block of {} threads; its __launch_bounds__ allow {}",
                                kernel.info.name, threads, kernel.info.max_threads));
  }
  if (config.grid.y > 65535 || config.grid.z > 65535 || config.grid.x > 2147483647u) {
    throw UserError(
        fmt::format("{}: a grid of {} x {} x {} blocks; 2147483647 x 65535 x 65535 are the "
                    "most",
                    kernel.info.name, config.grid.x, config.grid.y, config.grid.z));
  }
  const std::size_t shared = kernel.static_shared + config.dynamic_shared;
  if (shared > static_cast<std::size_t>(device.shared_per_block_optin)) {
    throw UserError(fmt::format("{}: {} bytes of shared memory; a block on {} has at most {}",
                                kernel.info.name, shared, device.device,
                                device.shared_per_block_optin));
  }
}

void check_cluster(const Launch& launch) {
  const unsigned grid[3] = {launch.config.grid.x, launch.config.grid.y, launch.config.grid.z};
  const unsigned* shape = launch.cluster_shape;
  for (int i = 0; i < 3; ++i) {
    if (shape[i] == 0 || grid[i] % shape[i] != 0) {
      throw UserError(fmt::format(
          "{}: a grid of {} x {} x {} blocks does not divide into clusters of "
          "{} x {} x {}",
          launch.kernel.info.name, grid[0], grid[1], grid[2], shape[0], shape[1], shape[2]));
    }
  }
  const unsigned blocks = shape[0] * shape[1] * shape[2];
  if (blocks > 8) {
    throw UserError(fmt::format("{}: clusters of {} blocks; 8 are the most every device has",
                                launch.kernel.info.name, blocks));
  }
  if (blocks > 1 && launch.device.architecture.major < 9) {
    throw UserError(fmt::format("{}: clusters need compute capability 9.0, {} has {}.{}",
                                launch.kernel.info.name, launch.device.architecture.device,
                                launch.device.architecture.major,
                                launch.device.architecture.minor));
  }
}

}  // namespace

Device::Device(const Architecture& architecture_in) : architecture(architecture_in) {}
Device::~Device() = default;

std::shared_ptr<Program> Device::load(std::string_view ptx, std::string name) {
  return std::make_shared<Program>(*this, ptx::parse(ptx, std::move(name)));
}

std::shared_ptr<Kernel> Device::kernel(const std::shared_ptr<Program>& program,
                                       std::string_view name) {
  return program->kernel(name);
}

const KernelInfo& Device::info(const Kernel& kernel) const { return kernel.info; }

void* Device::variable(const Program& program, std::string_view name, std::size_t* bytes) const {
  const Program::Symbol* symbol = program.symbol(name);
  if (symbol == nullptr || symbol->space == ptx::Space::kShared) return nullptr;
  if (bytes != nullptr) *bytes = symbol->bytes;
  return reinterpret_cast<void*>(symbol->address);
}

LaunchReport Device::launch(const Kernel& kernel, const LaunchConfig& config,
                            std::span<void* const> arguments) {
  check_config(architecture, kernel, config);
  Launch launch(*this, kernel, config, arguments);
  check_cluster(launch);
  LaunchReport report;
  try {
    Scheduler(launch).run();
  } catch (const KernelFault&) {
    report.ok = false;
  }
  report.findings = launch.take_findings();
  report.counters = launch.counters;
  return report;
}

}  // namespace moe::simt
