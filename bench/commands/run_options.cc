#include "bench/commands/run_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "bench/commands/commands.h"
#include "harness/probe_device.h"
#include "harness/workload.h"
#include "kernels/contract/error.h"
#include "kernels/contract/strategy.h"

namespace moe::cli {
namespace {

bool is_built(Backend backend) {
  return std::ranges::any_of(all_strategies(),
                             [=](const StrategyInfo* s) { return s->backend == backend; });
}

// The command line, or the environment, insists on a GPU.
void demand_gpu(const std::string& who) {
  const auto refuse = [&](const std::string& why) {
    fmt::print(stderr, "moebench: {} asks for CUDA, and {}\n", who, why);
    throw ExitWith{kUnusableEnvironment};
  };
  if (!is_built(Backend::kCuda)) {
    refuse("this program was built without it: configure with `cmake --preset cuda`");
  }
  const harness::DeviceState device = harness::probe_device();
  if (!device.usable()) refuse(device.fault);
}

harness::Known known_words() {
  harness::Known known;
  for (const StrategyInfo* s : all_strategies()) known.strategies.push_back(full_name(*s));
  for (const auto& kind : harness::workload_kinds()) known.workloads.push_back(kind.usage);
  return known;
}

}  // namespace

void add_cell_options(CLI::App& command, CellOptions& options) {
  auto& s = options.selection;
  command.add_option("--filter", s.filter, "Only cells whose name matches this regular expression");
  command.add_option("--strategy", s.strategy, "Only this strategy: NAME or NAME@BACKEND");
  command.add_option("--backend", s.backend, "Only this backend: cpu, cuda or sim");
  command.add_option("--preset", s.preset, "One of the matrix file's presets");
  command.add_option("--set", s.sets, "axes.tokens=[1,64] or base.samples=5; may be repeated");
  command.add_option("--seed", s.seed, "Instead of every cell's own seed");
}

harness::Matrix read_cells(const CellOptions& options) {
  const char* required = std::getenv("MOEBENCH_REQUIRE_GPU");
  if (required != nullptr && std::string_view(required) != "0") demand_gpu("MOEBENCH_REQUIRE_GPU");
  if (options.selection.backend == "cuda") demand_gpu("--backend cuda");
  if (options.selection.backend == "sim" && !is_built(Backend::kSim)) {
    fmt::print(stderr,
               "moebench: --backend sim asks for the interpreter, and this program was built "
               "without it: configure with `cmake --preset simt`\n");
    throw ExitWith{kUnusableEnvironment};
  }
  return harness::read_matrix(options.matrix, options.selection, known_words());
}

std::vector<std::vector<harness::Cell>> by_problem(const std::vector<harness::Cell>& cells) {
  std::vector<std::vector<harness::Cell>> groups;
  for (const auto& cell : cells) {
    const std::string problem = cell.problem_name();
    const auto group = std::ranges::find_if(
        groups, [&](const auto& g) { return g.front().problem_name() == problem; });
    if (group == groups.end()) {
      groups.push_back({cell});
    } else {
      group->push_back(cell);
    }
  }
  return groups;
}

double parse_duration(const std::string& text) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(rest, text.data() + text.size());
  const double seconds = unit == "s" || unit.empty() ? 1
                         : unit == "m"               ? 60
                         : unit == "h"               ? 3600
                                                     : 0;
  if (error != std::errc() || seconds == 0 || !(number > 0)) {
    throw UserError(
        fmt::format("--time-budget: found \"{}\", expected a time like 90s, 8m or 1.5h", text));
  }
  return number * seconds;
}

}  // namespace moe::cli
