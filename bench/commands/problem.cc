#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/commands/commands.h"
#include "harness/problem_file.h"
#include "harness/sampled_truth.h"
#include "kernels/contract/error.h"

// Two commands for programs that are not ours: what a cell asks, and whether the answer is right.
namespace moe::cli {
namespace {

using harness::Cell;

harness::Workload workload_of(const Cell& cell) {
  return harness::make_workload(cell.workload, cell.shape,
                                harness::make_weights(cell.shape, cell.seed), cell.seed);
}

void write(const std::string& name, const std::filesystem::path& folder) {
  const Cell cell = harness::parse_problem(name);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw UserError(fmt::format("{}: cannot be made, {}", folder.string(), error.message()));
  }
  const auto path = folder / "problem.safetensors";
  harness::write_problem(path, cell, workload_of(cell));
  fmt::print("{}\n", path.string());
}

struct JudgeOptions {
  std::string cell;
  std::vector<std::string> outputs;
  std::vector<std::string> rounds;
  std::int64_t tokens = 16;
  bool json = false;
};

void print_json(const std::string& file, const std::vector<std::string>& rounds,
                const harness::SampledTruth& truth, const harness::Validation& v) {
  const nlohmann::ordered_json line = {{"file", file},
                                       {"passed", v.passed()},
                                       {"worst_error", v.worst_error},  // null: not finite
                                       {"bound", v.bound},
                                       {"worst_token", v.worst_token},
                                       {"tokens_judged", truth.tokens().size()},
                                       {"rounds", rounds},
                                       {"fault", v.fault}};
  fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void judge(const JudgeOptions& options) {
  const Cell cell = harness::parse_problem(options.cell);
  // First all that can be the user's mistake, then what takes long.
  std::vector<harness::OutputFile> outputs;
  for (const std::string& file : options.outputs) {
    outputs.push_back(harness::read_output(file, cell.shape));
    auto& rounds = outputs.back().rounds;
    if (!options.rounds.empty()) rounds = options.rounds;
    harness::with_roundings(cell.shape.dtype, rounds);
  }
  harness::SampledTruth truth(workload_of(cell), options.tokens);
  bool passed = true;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& [y, rounds] = outputs[i];
    const auto v = truth.judge(y, harness::with_roundings(cell.shape.dtype, rounds));
    passed = passed && v.passed();
    if (options.json) {
      print_json(options.outputs[i], rounds, truth, v);
    } else {
      fmt::print("{}  {}: error {:.3g}, bound {:.3g}, {} of {} tokens judged{}\n",
                 v.passed() ? "passed" : "WRONG ", options.outputs[i], v.worst_error, v.bound,
                 truth.tokens().size(), cell.shape.tokens, v.fault.empty() ? "" : "; " + v.fault);
    }
  }
  throw ExitWith{passed ? kOk : kValidationFailed};
}

}  // namespace

void add_problem_command(CLI::App& app) {
  auto* command =
      app.add_subcommand("problem",
                         "Writes a cell's problem as tensors, for another program to work on\n"
                         "Example:\n"
                         "  moebench problem tiny/T=16/uniform/bf16 --to FOLDER     writes "
                         "FOLDER/problem.safetensors");
  struct Options {
    std::string cell, folder;
  };
  auto options = std::make_shared<Options>();
  command->add_option("cell", options->cell, "A cell's name; its strategy may be left out")
      ->required();
  command->add_option("--to", options->folder, "Folder to write to; made where it is missing")
      ->required();
  command->footer(
      "Tensors: x [T, H], gate and up [E, F, H], down [E, H, F] in the dtype; expert I32 and "
      "weight "
      "F32 [T, K]; logits F32 [T, E]");
  command->callback([options] { write(options->cell, options->folder); });
}

void add_judge_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "judge",
      "Judges what another program made of a cell's problem\n"
      "Examples:\n"
      "  moebench judge tiny/T=16/uniform/bf16 y.safetensors\n"
      "  moebench judge tiny/T=16/uniform/bf16 a.safetensors b.safetensors --json\n"
      "  moebench judge tiny/T=16/uniform/bf16 y.safetensors --rounds products,result");
  auto options = std::make_shared<JudgeOptions>();
  command->add_option("cell", options->cell, "A cell's name; its strategy may be left out")
      ->required();
  command->add_option("outputs", options->outputs, "safetensors with y [T, H], F32, F16 or BF16")
      ->required();
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
