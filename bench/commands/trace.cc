#include "bench/commands/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/load_stats.h"
#include "harness/trace.h"
#include "harness/trace_capture.h"

namespace moe::cli {
namespace {

using harness::LoadStats;
using harness::Trace;
using harness::TraceLayer;

LoadStats stats_of(const Trace& trace, const TraceLayer& layer) {
  const MoeShape shape{.tokens = trace.tokens,
                       .experts = trace.experts,
                       .top_k = trace.top_k,
                       .renormalize = trace.renormalize};
  const auto routing = harness::trace_routing(trace, layer);
  return harness::load_stats(shape, routing, routing);
}

// One bar an expert; the busiest expert's is `kWidth` long.
void print_bars(const std::vector<std::int64_t>& tokens_per_expert) {
  constexpr std::int64_t kWidth = 50;
  const auto most = std::max<std::int64_t>(1, std::ranges::max(tokens_per_expert));
  for (std::size_t e = 0; e < tokens_per_expert.size(); ++e) {
    const auto n = tokens_per_expert[e];
    const auto length = static_cast<std::size_t>((n * kWidth + most / 2) / most);
    fmt::print("  {:>4}  {:<{}}  {}\n", e, std::string(length, '#'), kWidth, n);
  }
}

void print_text(const std::string& file, const Trace& trace) {
  fmt::print("{}\n  model  {}\n  data   {}\n", file, trace.model, trace.data);
  fmt::print("  {} tokens, {} layers of {} experts, top {}, weights over {}\n  hash   {}\n",
             trace.tokens, trace.layers.size(), trace.experts, trace.top_k,
             trace.renormalize ? "the chosen" : "all", harness::trace_hash(trace));
  for (const auto& layer : trace.layers) {
    const auto s = stats_of(trace, layer);
    fmt::print(
        "\nlayer {}: max/mean {:.3f}, CV {:.3f} (chance alone {:.3f}), Gini {:.3f}, entropy "
        "{:.3f}, dead experts {}\n",
        layer.index, s.max_over_mean, s.variation, s.multinomial_floor, s.gini, s.entropy,
        s.dead_experts);
    print_bars(s.tokens_per_expert);
  }
}

nlohmann::ordered_json layer_json(const Trace& trace, const TraceLayer& layer) {
  const auto s = stats_of(trace, layer);
  nlohmann::ordered_json json = {{"layer", layer.index},
                                 {"tokens_per_expert", s.tokens_per_expert},
                                 {"max_over_mean", s.max_over_mean},
                                 {"max_violation", s.max_violation},
                                 {"variation", s.variation},
                                 {"multinomial_floor", s.multinomial_floor},
                                 {"gini", s.gini},
                                 {"entropy", s.entropy},
                                 {"max_over_min", nullptr},
                                 {"dead_experts", s.dead_experts},
                                 {"pad_to_max_efficiency", s.pad_to_max_efficiency},
                                 {"tile_efficiency_16", s.tile_efficiency_16},
                                 {"tile_efficiency_64", s.tile_efficiency_64},
                                 {"tile_efficiency_128", s.tile_efficiency_128}};
  if (s.max_over_min) json["max_over_min"] = *s.max_over_min;  // null: there is no assignment
  return json;
}

void print_json(const std::string& file, const Trace& trace) {
  nlohmann::ordered_json json = {{"file", file},
                                 {"model", trace.model},
                                 {"data", trace.data},
                                 {"tokens", trace.tokens},
                                 {"experts", trace.experts},
                                 {"top_k", trace.top_k},
                                 {"renormalize", trace.renormalize},
                                 {"hash", harness::trace_hash(trace)},
                                 {"layers", nlohmann::ordered_json::array()}};
  for (const auto& layer : trace.layers) json["layers"].push_back(layer_json(trace, layer));
  // A model's name comes from a folder's, which may be in any encoding.
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void write(const std::string& file, const Trace& trace) {
  harness::write_trace(file, trace);
  fmt::print(stderr, "{}: {} tokens, {} layers, hash {}\n", file, trace.tokens, trace.layers.size(),
             harness::trace_hash(trace));
}

void add_info(CLI::App& trace) {
  struct Options {
    std::string file;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* info =
      trace.add_subcommand("info", "The load of every layer's experts, in bars and figures");
  info->add_option("file", options->file, "A trace")->required();
  info->add_flag("--json", options->json, "As JSON");
  info->callback([options] {
    const Trace read = harness::read_trace(options->file);
    (options->json ? print_json : print_text)(options->file, read);
  });
}

void add_generate(CLI::App& trace) {
  struct Options {
    std::string workload = "uniform";
    MoeShape shape{.tokens = 1024, .experts = 8, .top_k = 2};
    bool no_renormalize = false;
    std::int64_t layers = 1;
    std::uint64_t seed = 1;
    std::string output;
  };
  auto options = std::make_shared<Options>();
  Options& o = *options;
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  auto* generate = trace.add_subcommand("generate", "A trace whose choices follow a workload");
  generate->add_option("--workload", o.workload, "balanced, zipf:1.2, ... (list workloads)")
      ->capture_default_str();
  generate->add_option("--tokens", o.shape.tokens)
      ->check(CLI::Range(std::int64_t{0}, kMost))
      ->capture_default_str();
  generate->add_option("--experts", o.shape.experts)
      ->check(CLI::Range(std::int64_t{1}, kMost))
      ->capture_default_str();
  generate->add_option("--top-k", o.shape.top_k)
      ->check(CLI::Range(std::int64_t{1}, kMost))
      ->capture_default_str();
  generate->add_option("--layers", o.layers)
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{4096}))
      ->capture_default_str();
  generate->add_flag("--no-renormalize", o.no_renormalize, "Weights over all experts (Time-MoE)");
  generate->add_option("--seed", o.seed)->capture_default_str();
  generate->add_option("--output", o.output, "The trace to write")->required();
  generate->callback([options] {
    MoeShape shape = options->shape;
    shape.renormalize = !options->no_renormalize;
    write(options->output,
          harness::generate_trace(options->workload, shape, options->layers, options->seed));
  });
}

void add_capture(CLI::App& trace) {
  struct Options {
    harness::CaptureRequest request{.sequences = 4};
    std::string model, data, text, output;
  };
  auto options = std::make_shared<Options>();
  Options& o = *options;
  auto* capture = trace.add_subcommand("capture", "What a model's routers do with real data");
  capture->add_option("--model", o.model, "A model folder")->required();
  capture->add_option("--data", o.data, "CSV with a time column first, for Time-MoE");
  capture->add_option("--column", o.request.columns, "Of the CSV, repeatable; else all");
  capture->add_option("--text", o.text, "Any file, its bytes are the tokens, for Mixtral");
  capture->add_option("--context", o.request.context, "Tokens a sequence")->required();
  capture->add_option("--sequences", o.request.sequences, "Of each column, or of the text")
      ->capture_default_str();
  capture->add_option("--output", o.output, "The trace to write")->required();
  capture->callback([options] {
    auto request = options->request;
    request.model = options->model;
    request.series = options->data;
    request.text = options->text;
    write(options->output, harness::capture_trace(request));
  });
}

}  // namespace

void add_trace_command(CLI::App& app) {
  auto* trace = app.add_subcommand("trace", "Routings recorded in files: capture, generate, info");
  trace->require_subcommand(1);
  trace->footer(
      "Examples:\n"
      "  moebench trace generate --workload zipf:1.2 --experts 8 --top-k 2 --output t.safetensors\n"
      "  moebench trace capture --model DIR --data series.csv --context 512 --output "
      "t.safetensors\n"
      "  moebench trace info t.safetensors");
  add_capture(*trace);
  add_generate(*trace);
  add_info(*trace);
}

}  // namespace moe::cli
