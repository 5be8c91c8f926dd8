#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/commands/commands.h"
#include "harness/record.h"
#include "harness/shapes.h"
#include "harness/workload.h"
#include "kernels/contract/error.h"
#include "kernels/contract/strategy.h"

namespace moe::cli {
namespace {

using Rows = nlohmann::ordered_json;  // an array of objects, all with the same keys of text

// Of a small layer: a strategy may decline others for other reasons.
// On one token or on 16: some strategies are for few, others need enough to fill a tile.
std::string dtypes_of(const StrategyInfo& strategy) {
  std::string all;
  for (int i = 0; i < static_cast<int>(kDTypeNames.size()); ++i) {
    const MoeShape few{.tokens = 1,
                       .hidden = 64,
                       .ffn = 64,
                       .experts = 8,
                       .top_k = 2,
                       .dtype = static_cast<DType>(i)};
    MoeShape more = few;
    more.tokens = 16;
    if (strategy.unsupported(few) && strategy.unsupported(more)) continue;
    all += (all.empty() ? "" : " ") + std::string(kDTypeNames[i]);
  }
  return all.empty() ? "none here" : all;
}

Rows strategies() {
  Rows rows = Rows::array();
  for (const StrategyInfo* s : all_strategies()) {
    rows.push_back({{"name", s->name},
                    {"backend", to_string(s->backend)},
                    {"policy", harness::policy_name(s->policy({}))},
                    {"dtypes", dtypes_of(*s)},
                    {"summary", s->summary}});
  }
  return rows;
}

Rows policies() {
  Rows rows = Rows::array();
  rows.push_back({{"name", "token-choice"},
                  {"summary", "each token takes its top K experts; nothing is dropped"}});
  rows.push_back(
      {{"name", "capped"}, {"summary", "the same, until an expert is full; the rest is dropped"}});
  rows.push_back({{"name", "expert-choice"},
                  {"summary", "each expert takes the tokens that like it most; not causal"}});
  rows.push_back(
      {{"name", "token-rounding"},
       {"summary", "token choice, each expert's count rounded to whole tiles; not causal"}});
  return rows;
}

Rows workloads() {
  Rows rows = Rows::array();
  for (const auto& kind : harness::workload_kinds()) {
    rows.push_back({{"name", kind.usage}, {"summary", kind.summary}});
  }
  return rows;
}

Rows shapes() {
  Rows rows = Rows::array();
  for (const auto& m : harness::model_shapes()) {
    rows.push_back({{"name", m.name},
                    {"shape", harness::shape_text(m.shape)},
                    {"layers", m.layers ? std::to_string(*m.layers) : "-"},
                    {"routing", m.routing},
                    {"source", m.source}});
  }
  return rows;
}

Rows backends() {
  const auto state = [](Backend backend, const char* preset) -> std::string {
    const bool built = std::ranges::any_of(
        all_strategies(), [=](const StrategyInfo* s) { return s->backend == backend; });
    return built ? "built" : fmt::format("not built: configure with the preset {}", preset);
  };
  Rows rows = Rows::array();
  rows.push_back({{"name", "cpu"}, {"state", "built"}});
  rows.push_back({{"name", "cuda"}, {"state", state(Backend::kCuda, "cuda")}});
  rows.push_back({{"name", "sim"}, {"state", state(Backend::kSim, "simt")}});
  return rows;
}

void print_rows(const Rows& rows) {
  std::vector<std::size_t> width;
  for (const auto& row : rows) {
    std::size_t column = 0;
    for (const auto& [key, value] : row.items()) {
      if (column == width.size()) width.push_back(0);
      width[column] = std::max(width[column], value.get<std::string>().size());
      ++column;
    }
  }
  for (const auto& row : rows) {
    std::string line;
    std::size_t column = 0;
    for (const auto& [key, value] : row.items()) {
      line += fmt::format("{:<{}}  ", value.get<std::string>(), width[column++]);
    }
    fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  }
}

struct Kind {
  std::string name;
  Rows (*rows)();
};
const std::vector<Kind> kKinds = {{"strategies", strategies},
                                  {"policies", policies},
                                  {"workloads", workloads},
                                  {"shapes", shapes},
                                  {"backends", backends}};

}  // namespace

void add_list_command(CLI::App& app) {
  auto* command = app.add_subcommand("list", "What there is: strategies, workloads, shapes ...");
  struct Options {
    std::string kind = "strategies";
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  for (const Kind& k : kKinds) names.push_back(k.name);
  command->add_option("kind", options->kind, "One of: " + comma_separated(names));
  command->add_flag("--json", options->json, "As JSON");
  command->callback([options, names] {
    const auto kind = std::ranges::find(kKinds, options->kind, &Kind::name);
    if (kind == kKinds.end()) {
      throw UserError(fmt::format("list: unknown kind \"{}\"{}; known: {}", options->kind,
                                  did_you_mean(options->kind, names), comma_separated(names)));
    }
    const Rows rows = kind->rows();
    if (options->json) {
      fmt::print("{}\n", rows.dump(2));
    } else {
      print_rows(rows);
    }
  });
}

}  // namespace moe::cli
