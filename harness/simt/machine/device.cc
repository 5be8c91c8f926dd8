#include "harness/simt/machine/device.h"

#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <thread>

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

namespace {

std::atomic<std::uint32_t> launches{0};

void run_worker(Launch& launch) {
  try {
    Scheduler(launch).run();
  } catch (const KernelFault&) {
    launch.grid.failed = true;
  }
}

void set_parameters(const Kernel& kernel, std::span<void* const> arguments) {
  if (arguments.size() < kernel.info.parameters.size()) {
    throw UserError(fmt::format("{}: {} arguments; it has {} parameters", kernel.info.name,
                                arguments.size(), kernel.info.parameters.size()));
  }
  for (std::size_t i = 0; i < kernel.info.parameters.size(); ++i) {
    const ptx::Parameter& parameter = kernel.info.parameters[i];
    std::memcpy(kernel.parameters.data() + parameter.offset, arguments[i], parameter.bytes);
  }
}

}  // namespace

LaunchReport Device::launch(const Kernel& kernel, const LaunchConfig& config,
                            std::span<void* const> arguments) {
  const std::lock_guard one_at_a_time(launching_);
  check_config(architecture, kernel, config);
  set_parameters(kernel, arguments);
  // Only the natural schedule is spread over threads: the others must repeat exactly.
  const bool natural = settings.schedule == Schedule::kNatural;
  const int workers = natural ? std::max(1, settings.workers) : 1;
  GridState grid(workers > 1);
  const std::uint32_t generation = ++launches;
  std::vector<std::unique_ptr<Launch>> parts;
  for (int i = 0; i < workers; ++i) {
    parts.push_back(std::make_unique<Launch>(*this, kernel, config, grid, generation));
  }
  check_cluster(*parts[0]);
  std::vector<std::thread> threads;
  for (int i = 1; i < workers; ++i) threads.emplace_back(run_worker, std::ref(*parts[i]));
  run_worker(*parts[0]);
  for (std::thread& thread : threads) thread.join();
  for (Finding& race : grid.guesses.take()) parts[0]->record(std::move(race));
  LaunchReport report;
  report.ok = !grid.failed;
  for (const std::unique_ptr<Launch>& part : parts) {
    report.counters.add(part->counters);
    for (Finding& finding : part->take_findings()) report.findings.push_back(std::move(finding));
  }
  return report;
}

}  // namespace moe::simt
