#include "harness/drive.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/commands/commands.h"
#include "harness/machine.h"
#include "kernels/contract/error.h"
#include "kernels/contract/strategy.h"
#include "reference/io/safetensors.h"

namespace moe::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> cells;
  std::vector<std::string> outputs;
  std::string cache = "both";
  harness::DriveOptions drive;
};

Json json_of(const harness::CallTimes& times) {
  if (times.samples_ns.empty()) return nullptr;
  Json json = {{"samples_ns", times.samples_ns}, {"foreign_cpu", nullptr}};
  if (times.foreign_cpu) json["foreign_cpu"] = *times.foreign_cpu;
  for (const Ceilings& c : times.ceilings) {
    json["bytes_per_second"].push_back(c.bytes_per_second);
    json["flops_per_second"].push_back(c.flops_per_second);
  }
  return json;
}

void write_output(const std::string& path, const harness::Cell& cell, const std::vector<float>& y) {
  const std::vector<std::int64_t> shape = {cell.shape.tokens, cell.shape.hidden};
  reference::write_safetensors(
      path, {{"y", reference::make_tensor<float>(reference::TensorType::kF32, shape, y)}});
}

void drive(Options& options) {
  if (!options.outputs.empty() && options.outputs.size() != options.cells.size()) {
    throw UserError(fmt::format("--output: found {}, expected one for each of {} cells",
                                options.outputs.size(), options.cells.size()));
  }
  options.drive.cold = options.cache != "hot";
  options.drive.hot = options.cache != "cold";
  std::vector<harness::Cell> cells;
  for (const std::string& name : options.cells) cells.push_back(harness::parse_cell(name));
  const auto results = harness::drive(cells, options.drive);
  for (const harness::DriveResult& r : results) {
    const std::size_t i = r.cell;
    Json line = {{"peer", "moebench:" + cells[i].strategy},
                 {"version", harness::build_id()},
                 {"threads", cells[i].threads},
                 {"notes", matrix_product_library()},
                 {"problem", cells[i].problem_name()},
                 {"dtype", to_string(cells[i].shape.dtype)}};
    if (r.fault.empty()) {
      line.update({{"prepare_ns", r.prepare_ns},
                   {"layers", options.drive.layers},
                   {"cold", json_of(r.cold)},
                   {"hot", json_of(r.hot)},
                   {"always_cold", r.always_cold},
                   {"useful_flops", r.work.useful_flops},
                   {"touched_bytes", r.work.touched_bytes}});
      if (options.drive.ceilings) line["round"] = r.round;
      if (!options.outputs.empty() && r.round == 0) write_output(options.outputs[i], cells[i], r.y);
    } else {
      line["error"] = r.fault;
    }
    fmt::print("{}\n", line.dump());
  }
}

}  // namespace

void add_drive_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "drive",
      "Times a strategy as the drivers of other libraries time theirs (scripts/peers)\n"
      "Example:\n"
      "  moebench drive tiny/T=1/uniform/f32/sort-and-group@cpu "
      "tiny/T=64/uniform/f32/sort-and-group@cpu --layers 4");
  auto options = std::make_shared<Options>();
  auto& o = *options;
  command->add_option("cells", o.cells, "Cells of one layer and one strategy")->required();
  command->add_option("--output", o.outputs, "y as safetensors, one file for each cell");
  command
      ->add_option("--layers", o.drive.layers, "Copies of the layer that cold calls walk through")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{4096}))
      ->capture_default_str();
  command->add_option("--cache", o.cache, "cold, hot or both")
      ->check(CLI::IsMember({"cold", "hot", "both"}))
      ->capture_default_str();
  constexpr std::int64_t kMost = 1'000'000;
  command->add_option("--cache-bytes", o.drive.cache_bytes,
                      "With both: leave out hot where a call reads twice as much");
  command
      ->add_option("--rounds", o.drive.rounds,
                   "Through all cells, with the ceilings around cold calls")
      ->check(CLI::Range(std::int64_t{1}, kMost))
      ->each([options](const std::string&) { options->drive.ceilings = true; });
  command->add_option("--samples", o.drive.samples)->check(CLI::Range(std::int64_t{1}, kMost));
  command->add_option("--warmup", o.drive.warm_up)->check(CLI::Range(std::int64_t{0}, kMost));
  command->add_option("--max-seconds", o.drive.max_seconds, "Of timing, for each cache state")
      ->check(CLI::PositiveNumber);
  command->footer(
      "Prints a line of JSON for each cell and round; judge the outputs with moebench judge");
  command->callback([options] { drive(*options); });
}

}  // namespace moe::cli
