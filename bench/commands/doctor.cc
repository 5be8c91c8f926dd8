#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "bench/commands/commands.h"
#include "harness/machine.h"
#include "harness/nvml.h"
#include "kernels/contract/strategy.h"

namespace moe::cli {
namespace {

struct Finding {
  std::string name;
  std::string state;
};

// What the runtime itself says, without linking it: the toolkit's absence is a finding too.
std::string cuda_state() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (driver == nullptr) return "no driver: " + std::string(dlerror());
  const auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  const int status = init != nullptr ? init(0) : -1;
  dlclose(driver);
  return status == 0 ? "driver answers" : fmt::format("driver there, cuInit returned {}", status);
}

std::string page_state() {
  for (const char* python : {".venv/bin/python", "python3"}) {
    const std::string check =
        std::string(python) + " -c 'import altair, vl_convert, jinja2' >/dev/null 2>&1";
    const int status =
        std::system(check.c_str());  // NOLINT(bugprone-command-processor): fixed text
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      return std::string("can be drawn by ") + python;
  }
  return "cannot be drawn: no Python with altair, vl-convert-python and Jinja2 (scripts/setup.sh)";
}

std::string one_of(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::vector<Finding> findings() {
  const auto device = harness::probe_device();
  const auto e =
      harness::capture_environment(command_line_words(), matrix_product_library(), device);
  return {{"processor", e.cpu},
          {"cores", std::to_string(e.cores)},
          {"memory", fmt::format("{:.1f} GB", static_cast<double>(e.memory_bytes) / 1e9)},
          {"virtual machine", e.hypervisor ? "yes: expect noise from neighbours" : "no"},
          {"frequency policy", e.governor.value_or("unknown: " + e.governor_reason)},
          {"instruction sets", e.isa},
          {"kernel", e.kernel},
          {"compiler", e.compiler + " " + e.flags},
          {"build", e.build_id},
          {"CPU kernels", e.blas + "; MOEBENCH_ISA may be " + one_of(cpu_instruction_sets())},
          {"CUDA strategies", e.gpu ? "run on " + *e.gpu : "skipped: " + e.gpu_reason},
          {"CUDA driver", cuda_state()},
          {"GPU by NVML", harness::Nvml(device.pci_bus_id).sentence()},
          {"HTML page", page_state()}};
}

}  // namespace

void add_doctor_command(CLI::App& app) {
  auto* command =
      app.add_subcommand("doctor", "The machine, and what will be skipped on it and why");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "As JSON");
  command->callback([json] {
    nlohmann::ordered_json all;
    for (const auto& [name, state] : findings()) {
      all[name] = state;
      if (!*json) fmt::print("{:<17} {}\n", name, state);
    }
    if (*json) fmt::print("{}\n", all.dump(2));
  });
}

}  // namespace moe::cli
