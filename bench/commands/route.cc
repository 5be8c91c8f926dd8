#include "bench/commands/route.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "harness/policy_file.h"
#include "reference/io/safetensors.h"

namespace moe::cli {
namespace {

struct Paths {
  std::string policy;
  std::string logits;
  std::string output;
};

void route(const Paths& paths) {
  const auto tensors = harness::route_files(paths.policy, paths.logits);
  reference::write_safetensors(paths.output, tensors);
  fmt::print(stderr, "{}: {} tokens, {} assignments\n", paths.output,
             tensors.at("offsets").elements() - 1, tensors.at("expert").elements());
}

}  // namespace

void add_route_command(CLI::App& app) {
  auto paths = std::make_shared<Paths>();
  CLI::App* command = app.add_subcommand("route", "Route logits from a file by one policy");
  command->add_option("--policy", paths->policy, "JSON: {\"kind\": \"token-choice\", \"top_k\": 2}")
      ->required();
  command->add_option("--logits", paths->logits, "safetensors with logits F32 [tokens, experts]")
      ->required();
  command
      ->add_option("--output", paths->output,
                   "safetensors to write: offsets, expert, weight, demand, served")
      ->required();
  command->footer(
      "Kinds: token-choice (top_k, scores, renormalize), switch and capped (top_k, factor, "
      "rounding, order), expert-choice (factor, rounding), token-rounding (top_k, tile, rounding)");
  command->callback([paths] { route(*paths); });
}

}  // namespace moe::cli
