#include "bench/commands/model_info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "reference/checkpoint.h"
#include "reference/model_counts.h"

namespace moe::cli {
namespace {

namespace fs = std::filesystem;
using reference::ModelConfig;

struct TensorRow {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
};

// The tensors of the weights file, or, where there is none yet, those it would have.
std::vector<TensorRow> tensor_table(const std::optional<fs::path>& file,
                                    const ModelConfig& config) {
  std::vector<TensorRow> rows;
  if (file) {
    const reference::SafetensorsFile opened(*file);
    for (const auto& [name, entry] : opened.entries()) {
      rows.push_back({name, std::string(to_string(entry.type)), entry.shape});
    }
    return rows;
  }
  const auto type = std::visit([](const auto& c) { return c.torch_dtype; }, config);
  for (const auto& t : reference::weight_tensors(config)) {
    rows.push_back({t.name, std::string(to_string(type)), t.shape});
  }
  std::ranges::sort(rows, {}, &TensorRow::name);
  return rows;
}

nlohmann::ordered_json as_json(const std::string& folder, const ModelConfig& config,
                               const std::optional<fs::path>& file) {
  const auto n = reference::count_model(config);
  nlohmann::ordered_json j;
  j["folder"] = folder;
  j["model_type"] =
      std::holds_alternative<reference::MixtralConfig>(config) ? "mixtral" : "time_moe";
  j["weights"] = file ? nlohmann::ordered_json(file->string()) : nlohmann::ordered_json(nullptr);
  j["parameters"] = n.parameters;
  j["active_parameters"] = n.active_parameters;
  j["parameters_by_part"] = n.parameters_by_part;
  j["weight_bytes"] = n.checkpoint_bytes;
  j["kv_bytes_per_token"] = n.kv_bytes_per_token;
  j["flops_per_token"] = {{"layers", n.layer_flops_per_token},
                          {"routed_experts", n.routed_flops_per_token},
                          {"heads", n.head_flops_per_token},
                          {"attention_per_key", n.attention_flops_per_token_and_key}};
  j["tensors"] = nlohmann::ordered_json::array();
  for (const TensorRow& row : tensor_table(file, config)) {
    j["tensors"].push_back({{"name", row.name}, {"dtype", row.dtype}, {"shape", row.shape}});
  }
  return j;
}

void print_text(const nlohmann::ordered_json& j) {
  const auto line = [](const std::string& name, const nlohmann::ordered_json& value,
                       const std::string& note = "") {
    fmt::print("{:<28} {:>16}{}{}\n", name, value.get<std::int64_t>(), note.empty() ? "" : "  ",
               note);
  };
  fmt::print("{}: {}, {}\n", j["folder"].get<std::string>(), j["model_type"].get<std::string>(),
             j["weights"].is_null() ? "no weights yet, counted by config.json"
                                    : "weights in " + j["weights"].get<std::string>());
  line("parameters", j["parameters"]);
  for (const auto& [part, count] : j["parameters_by_part"].items()) line("  " + part, count);
  line("active per token", j["active_parameters"], "all but the routed experts not visited");
  line("bytes of weights", j["weight_bytes"]);
  line("KV bytes per token", j["kv_bytes_per_token"], "all layers, in torch_dtype");
  const auto& flops = j["flops_per_token"];
  line("FLOPs per token, layers", flops["layers"], "linear layers; a multiply-add is two");
  line("  routed experts of it", flops["routed_experts"]);
  line("FLOPs per token, heads", flops["heads"], "all heads");
  line("FLOPs per token and key", flops["attention_per_key"], "attention");
  fmt::print("\n{} tensors\n", j["tensors"].size());
  for (const auto& t : j["tensors"]) {
    fmt::print("{:<5} {:<70} [{}]\n", t["dtype"].get<std::string>(), t["name"].get<std::string>(),
               fmt::join(t["shape"].get<std::vector<std::int64_t>>(), ", "));
  }
}

}  // namespace

void print_model_info(const std::string& folder, bool json) {
  const ModelConfig config = reference::read_model_config(fs::path(folder) / "config.json");
  const auto file = reference::weights_file(folder);
  if (file) reference::check_weights(*file, config);
  const auto j = as_json(folder, config, file);
  if (json) {
    fmt::print("{}\n", j.dump(2));
  } else {
    print_text(j);
  }
}

}  // namespace moe::cli
