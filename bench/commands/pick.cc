#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/commands/commands.h"
#include "harness/cell.h"
#include "harness/load_stats.h"
#include "harness/picker.h"
#include "harness/results_file.h"
#include "harness/workload.h"
#include "kernels/contract/error.h"
#include "reference/route.h"

// The strategy that should be fastest for a load, and what trusting that would have cost.
namespace moe::cli {
namespace {

struct Options {
  std::string cell;
  std::vector<std::string> files;
  bool json = false;
};

std::vector<std::int64_t> tokens_per_expert(const harness::Cell& cell) {
  // The routing alone is asked for: no weights are made.
  const auto work = harness::make_workload(cell.workload, cell.shape,
                                           std::make_shared<const ExpertWeights>(), cell.seed);
  const MoeShape& s = cell.shape;
  const Routing routing = reference::route<float>(
      TokenChoice{}, s, packed<const float>(work.logits.data(), s.tokens, s.experts));
  return harness::load_stats(s, routing, routing).tokens_per_expert;
}

void pick(const Options& options) {
  const harness::Cell cell = harness::parse_problem(options.cell);
  const auto ranked = harness::predict(cell.shape, tokens_per_expert(cell), measure_cpu_ceilings());
  if (ranked.empty()) {
    throw UserError(
        fmt::format("pick: no strategy of the CPU computes {}", to_string(cell.shape.dtype)));
  }
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const auto& [strategy, seconds] : ranked) {
    all.push_back({{"strategy", full_name(*strategy)}, {"predicted_ns", 1e9 * seconds}});
    if (!options.json) fmt::print("{:<24} {:>12.1f} us\n", full_name(*strategy), 1e6 * seconds);
  }
  if (options.json) fmt::print("{}\n", all.dump(2));
}

void show_regret(const Options& options) {
  std::vector<harness::Record> records;
  for (const std::string& path : options.files) {
    for (auto& r : harness::read_results(path).records) records.push_back(std::move(r));
  }
  const auto all =
      harness::regrets(harness::latest_of_each_cell(std::move(records)), measure_cpu_ceilings());
  if (all.empty()) {
    throw UserError(
        "pick: the files have no problem on which two strategies with predictions were measured");
  }
  double sum = 0;
  double worst = 0;
  for (const auto& r : all) {
    sum += r.regret;
    worst = std::max(worst, r.regret);
    if (!options.json) {
      fmt::print("{:<60} {:<18} best {:<18} {:5.1f} %\n", r.problem, r.picked, r.best,
                 100 * r.regret);
    }
  }
  const double mean = sum / static_cast<double>(all.size());
  if (options.json) {
    const nlohmann::ordered_json line = {
        {"problems", all.size()}, {"mean_regret", mean}, {"worst_regret", worst}};
    fmt::print("{}\n", line.dump(2));
  } else {
    fmt::print("{} problems: regret {:.1f} % on average, {:.1f} % at worst\n", all.size(),
               100 * mean, 100 * worst);
  }
}

}  // namespace

void add_pick_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "pick",
      "The strategy of the CPU that should be fastest for a problem, by a cost model and this\n"
      "machine's ceilings\n"
      "Examples:\n"
      "  moebench pick mixtral-8x7b/T=64/zipf:1.0/bf16\n"
      "  moebench pick --regret results/local/demo/demo.jsonl");
  auto options = std::make_shared<Options>();
  auto* cell = command->add_option("cell", options->cell, "SHAPE/T=TOKENS/WORKLOAD/DTYPE");
  auto* files = command->add_option("--regret", options->files,
                                    "Result files: how much slower the pick was than the best");
  cell->excludes(files);
  command->add_flag("--json", options->json, "As JSON");
  command->callback([options] {
    if (options->cell.empty() && options->files.empty()) {
      throw UserError("pick: expected a problem, or --regret with result files");
    }
    options->files.empty() ? pick(*options) : show_regret(*options);
  });
}

}  // namespace moe::cli
