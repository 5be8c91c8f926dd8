#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "bench/commands/commands.h"
#include "harness/problem_file.h"
#include "kernels/contract/error.h"

// What a cell asks, for programs that are not ours; judge.cc judges their answers.
namespace moe::cli {
namespace {

using harness::Cell;

void write(const std::string& name, const std::filesystem::path& folder, bool with_weights) {
  const Cell cell = harness::parse_problem(name);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw UserError(fmt::format("{}: cannot be made, {}", folder.string(), error.message()));
  }
  const auto path = folder / "problem.safetensors";
  const auto weights = with_weights ? harness::make_weights(cell.shape, cell.seed) : nullptr;
  harness::write_problem(path, cell,
                         harness::make_workload(cell.workload, cell.shape, weights, cell.seed));
  fmt::print("{}\n", path.string());
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
    bool without_weights = false;
  };
  auto options = std::make_shared<Options>();
  command->add_option("cell", options->cell, "A cell's name; its strategy may be left out")
      ->required();
  command->add_option("--to", options->folder, "Folder to write to; made where it is missing")
      ->required();
  command->add_flag("--without-weights", options->without_weights,
                    "Leave out gate, up and down: another problem of the layer has them");
  command->footer(
      "Tensors: x [T, H], gate and up [E, F, H], down [E, H, F] in the dtype; expert I32 and "
      "weight "
      "F32 [T, K]; logits F32 [T, E]");
  command->callback(
      [options] { write(options->cell, options->folder, !options->without_weights); });
}

}  // namespace moe::cli
