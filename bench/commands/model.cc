#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/commands/commands.h"
#include "bench/commands/model_info.h"
#include "harness/model_strategy.h"
#include "kernels/contract/error.h"
#include "reference/checkpoint.h"
#include "reference/generated_weights.h"
#include "reference/model_tensors.h"

// Whole models: write one, look at one, run one on tensors from a file.
namespace moe::cli {
namespace {

namespace fs = std::filesystem;
using reference::ModelConfig;

// ---- init

struct InitOptions {
  std::string folder;
  std::string config;
  std::string weights = "normal";
  std::optional<std::uint64_t> seed;
};

reference::TensorSource chosen_weights(const InitOptions& o) {
  const std::vector<std::string> known = {"golden", "normal"};
  if (o.weights == "golden") {
    if (o.seed) {
      throw UserError(
          "--seed: golden weights follow from the tensors' names and have no seed, "
          "expected it with --weights normal only");
    }
    return reference::golden_weights();
  }
  if (o.weights == "normal") {
    const ModelConfig config = reference::read_model_config(o.config);
    const double deviation = std::visit([](const auto& c) { return c.initializer_range; }, config);
    return reference::normal_weights(o.seed.value_or(0), deviation);
  }
  throw UserError(fmt::format("--weights: unknown word \"{}\"{}; known: {}", o.weights,
                              did_you_mean(o.weights, known), comma_separated(known)));
}

void init(const InitOptions& o) {
  reference::write_model(o.folder, o.config, chosen_weights(o));
  const fs::path file = fs::path(o.folder) / "model.safetensors";
  fmt::print(stderr, "moebench: wrote {}, {} bytes\n", file.string(), fs::file_size(file));
}

// ---- forward and generate

struct RunOptions {
  std::string folder;
  std::string input;
  std::string output;
  std::string dtype = "f32";
  std::string strategy;
  std::optional<std::int64_t> new_tokens;  // generate only

  template <class Real>
  reference::Tensors run(const reference::RoutedExperts<Real>& experts) const {
    const auto model = reference::load_model(folder);
    return new_tokens ? reference::generate_tensors<Real>(model, input, *new_tokens, experts)
                      : reference::forward_tensors<Real>(model, input, experts);
  }
};

reference::Tensors run_with_strategy(const RunOptions& o) {
  if (o.dtype != "f32") {
    throw UserError(
        "--strategy: strategies compute in float, expected --dtype f32 with it and not " + o.dtype);
  }
  return o.run<float>(harness::strategy_experts(harness::find_model_strategy(o.strategy)));
}

void run(const RunOptions& o) {
  const std::vector<std::string> dtypes = {"f64", "f32"};
  if (std::ranges::find(dtypes, o.dtype) == dtypes.end()) {
    throw UserError(fmt::format("--dtype: unknown word \"{}\"{}; known: {}", o.dtype,
                                did_you_mean(o.dtype, dtypes), comma_separated(dtypes)));
  }
  std::error_code ignored;
  if (fs::equivalent(o.input, o.output, ignored)) {
    throw UserError(o.output + ": is the input too, expected another file for --output");
  }
  const auto out = !o.strategy.empty() ? run_with_strategy(o)
                   : o.dtype == "f64"  ? o.run<double>(reference::naive_experts<double>())
                                       : o.run<float>(reference::naive_experts<float>());
  reference::write_safetensors(o.output, out);
}

// ---- the command line

constexpr const char* kInitHelp = R"(Examples:
  moebench model init DIR --config reference/configs/time_moe_50m.json
  moebench model init DIR --config reference/configs/tiny_mixtral.json --weights golden)";

constexpr const char* kInfoHelp = R"(Examples:
  moebench model info DIR
  moebench model info DIR --json)";

constexpr const char* kForwardHelp = R"(Examples:
  moebench model forward DIR --input in.safetensors --output out.safetensors --dtype f64
  moebench model forward DIR --input in.safetensors --output out.safetensors --strategy sort-and-group

time_moe reads "input" F32 [B, S], mixtral "input_ids" I64 [B, S]; both may have "attention_mask"
I64 and "labels", time_moe "loss_masks" F32, all [B, S].)";

constexpr const char* kGenerateHelp = R"(Examples:
  moebench model generate DIR --input in.safetensors --output out.safetensors --max-new-tokens 96

Writes "sequence" [B, L + N], the input and its continuation, and "steps": what each pass appended.)";

// --help with the examples before everything else; the list of commands keeps the one line.
class ExamplesFirst : public CLI::Formatter {
 public:
  explicit ExamplesFirst(std::string examples) : examples_(std::move(examples)) {}
  std::string make_description(const CLI::App* app) const override {
    return examples_ + "\n\n" + app->get_description() + ".\n";
  }

 private:
  std::string examples_;
};

CLI::App* subcommand(CLI::App* model, const char* name, const char* what, const char* examples) {
  auto* command = model->add_subcommand(name, what);
  command->formatter(std::make_shared<ExamplesFirst>(examples));
  return command;
}

void add_run_options(CLI::App* command, RunOptions& o) {
  command->add_option("DIR", o.folder, "Folder with config.json and the weights")->required();
  command->add_option("--input", o.input, "Tensors to work on, .safetensors")->required();
  command->add_option("--output", o.output, "Tensors that come out, .safetensors")->required();
  command->add_option("--dtype", o.dtype, "What to compute in: f64 or f32 (the default)");
  command->add_option(
      "--strategy", o.strategy,
      "Dispatch the routed experts by this strategy, in f32: NAME on the CPU, NAME@cuda");
}

}  // namespace

void add_model_command(CLI::App& app) {
  auto* model = app.add_subcommand("model", "Whole models: init, info, forward, generate");
  model->formatter(std::make_shared<ExamplesFirst>(
      "Examples:\n"
      "  moebench model init DIR --config reference/configs/time_moe_50m.json\n"
      "  moebench model info DIR\n"
      "  moebench model generate DIR --input in.safetensors --output out.safetensors "
      "--max-new-tokens 96"));
  model->require_subcommand(1);

  auto init_options = std::make_shared<InitOptions>();
  auto* c = subcommand(model, "init", "Writes a model of random weights", kInitHelp);
  c->add_option("DIR", init_options->folder, "Folder to write, without weights so far")->required();
  c->add_option("--config", init_options->config, "config.json to follow")->required();
  c->add_option("--weights", init_options->weights,
                "normal (the default): as published models begin; golden: as the tests' models");
  c->add_option("--seed", init_options->seed, "Of normal weights; 0 unless said");
  c->callback([init_options] { init(*init_options); });

  struct InfoOptions {
    std::string folder;
    bool json = false;
  };
  auto info_options = std::make_shared<InfoOptions>();
  c = subcommand(model, "info", "Counts parameters, work and memory; lists the tensors", kInfoHelp);
  c->add_option("DIR", info_options->folder, "Folder with config.json")->required();
  c->add_flag("--json", info_options->json, "As JSON");
  c->callback([info_options] { print_model_info(info_options->folder, info_options->json); });

  auto forward_options = std::make_shared<RunOptions>();
  c = subcommand(model, "forward", "One pass; writes all there is to see of it", kForwardHelp);
  add_run_options(c, *forward_options);
  c->callback([forward_options] { run(*forward_options); });

  auto generate_options = std::make_shared<RunOptions>();
  c = subcommand(model, "generate", "Continues series or sentences", kGenerateHelp);
  add_run_options(c, *generate_options);
  c->add_option("--max-new-tokens", generate_options->new_tokens, "Points or words to append")
      ->required();
  c->callback([generate_options] { run(*generate_options); });
}

}  // namespace moe::cli
