#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/commands/commands.h"
#include "harness/problem_file.h"
#include "harness/sampled_truth.h"
#include "kernels/contract/error.h"

// Judges what a program that is not ours made of a problem of problem.cc.
namespace moe::cli {
namespace {

using harness::Cell;

struct JudgeOptions {
  std::string cell;
  std::vector<std::string> outputs;
  std::string list;
  std::vector<std::string> rounds;
  std::int64_t tokens = 16;
  bool json = false;
};

// One output to be judged.
struct Task {
  Cell cell;
  std::string file;
  harness::OutputFile output;
};

// Cells and outputs of the command line, then those of the list: a cell, a tab and a file a line.
std::vector<Task> tasks_of(const JudgeOptions& options) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const std::string& file : options.outputs) names.emplace_back(options.cell, file);
  if (!options.list.empty()) {
    std::ifstream list(options.list);
    if (!list) throw UserError(options.list + ": cannot be read");
    for (std::string line; std::getline(list, line);) {
      const auto tab = line.find('\t');
      if (tab == std::string::npos) {
        throw UserError(
            fmt::format("{}: found \"{}\", expected a cell, a tab and a file", options.list, line));
      }
      names.emplace_back(line.substr(0, tab), line.substr(tab + 1));
    }
  }
  if (names.empty())
    throw UserError("judge: there is nothing to judge; expected CELL OUTPUT or --list");
  std::vector<Task> tasks;
  for (const auto& [name, file] : names) {
    Task task{harness::parse_problem(name), file, {}};
    task.output = harness::read_output(file, task.cell.shape);
    if (!options.rounds.empty()) task.output.rounds = options.rounds;
    harness::with_roundings(task.cell.shape.dtype,
                            task.output.rounds);  // an unknown one is refused
    tasks.push_back(std::move(task));
  }
  return tasks;
}

// Makes weights and truths again only where a task needs others than the one before it.
class Bench {
 public:
  explicit Bench(std::int64_t tokens) : tokens_(tokens) {}

  harness::SampledTruth& truth(const Cell& cell) {
    if (truth_ && name_ == cell.problem_name()) return *truth_;
    MoeShape layer = cell.shape;
    layer.tokens = 0;
    if (!weights_ || layer != layer_ || seed_ != cell.seed) {
      weights_.reset();  // before the next are made: a large layer is there once
      truth_.reset();
      weights_ = harness::make_weights(layer, cell.seed);
      layer_ = layer;
      seed_ = cell.seed;
    }
    name_ = cell.problem_name();
    truth_.emplace(harness::make_workload(cell.workload, cell.shape, weights_, cell.seed), tokens_);
    return *truth_;
  }

 private:
  std::int64_t tokens_;
  std::string name_;
  MoeShape layer_;
  std::uint64_t seed_ = 0;
  std::shared_ptr<const ExpertWeights> weights_;
  std::optional<harness::SampledTruth> truth_;
};

void print_json(const Task& task, const harness::SampledTruth& truth,
                const harness::Validation& v) {
  const nlohmann::ordered_json line = {{"problem", task.cell.problem_name()},
                                       {"file", task.file},
                                       {"passed", v.passed()},
                                       {"worst_error", v.worst_error},  // null: not finite
                                       {"bound", v.bound},
                                       {"worst_token", v.worst_token},
                                       {"tokens_judged", truth.tokens().size()},
                                       {"rounds", task.output.rounds},
                                       {"fault", v.fault}};
  fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void judge(const JudgeOptions& options) {
  const auto tasks = tasks_of(options);  // first all that can be the user's mistake
  Bench bench(options.tokens);
  bool passed = true;
  for (const Task& task : tasks) {
    auto& truth = bench.truth(task.cell);
    const auto roundings = harness::with_roundings(task.cell.shape.dtype, task.output.rounds);
    const auto v = truth.judge(task.output.y, roundings);
    passed = passed && v.passed();
    if (options.json) {
      print_json(task, truth, v);
    } else {
      fmt::print("{}  {}: error {:.3g}, bound {:.3g}, {} of {} tokens judged{}\n",
                 v.passed() ? "passed" : "WRONG ", task.file, v.worst_error, v.bound,
                 truth.tokens().size(), task.cell.shape.tokens,
                 v.fault.empty() ? "" : "; " + v.fault);
    }
  }
  throw ExitWith{passed ? kOk : kValidationFailed};
}

}  // namespace

void add_judge_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "judge",
      "Judges what another program made of a cell's problem\n"
      "Examples:\n"
      "  moebench judge tiny/T=16/uniform/bf16 y.safetensors\n"
      "  moebench judge tiny/T=16/uniform/bf16 a.safetensors b.safetensors --json\n"
      "  moebench judge tiny/T=16/uniform/bf16 y.safetensors --rounds products,result");
  auto options = std::make_shared<JudgeOptions>();
  command->add_option("cell", options->cell, "A cell's name; its strategy may be left out");
  command->add_option("outputs", options->outputs, "safetensors with y [T, H], F32, F16 or BF16");
  command->add_option(
      "--list", options->list,
      "File with a cell, a tab and an output a line; the weights of a layer are made "
      "once for lines that follow each other");
  command
      ->add_option(
          "--rounds", options->rounds,
          "What the program keeps in the dtype besides the hidden values and each expert's "
          "row: " +
              comma_separated(harness::rounding_names()) +
              " (else what the file's metadata \"rounds\" says)")
      ->delimiter(',');
  command
      ->add_option(
          "--tokens", options->tokens,
          "How many tokens to judge, evenly spread; of the others only that they are finite")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->capture_default_str();
  command->add_flag("--json", options->json, "A line of JSON for each output");
  command->footer("Exit codes: 0 passed, 1 at least one is wrong, 2 bad input");
  command->callback([options] { judge(*options); });
}

}  // namespace moe::cli
