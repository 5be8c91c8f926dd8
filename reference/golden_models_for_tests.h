#pragma once
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "reference/generated_weights.h"
#include "reference/mixtral.h"
#include "reference/time_moe.h"

namespace moe::reference {

// The two tiny models whose every number is in testdata/, for the tests.

inline nlohmann::json read_golden(const std::string& file) {
  std::ifstream in(std::string(MOEBENCH_SOURCE_DIR) + "/reference/testdata/" + file);
  if (!in) throw std::runtime_error("no reference/testdata/" + file);
  return nlohmann::json::parse(in);
}

// Numbers of any depth of nesting, flat.
template <class T>
void append_numbers(const nlohmann::json& j, std::vector<T>& out) {
  if (j.is_array()) {
    for (const auto& item : j) append_numbers(item, out);
  } else {
    out.push_back(j.get<T>());
  }
}
template <class T>
std::vector<T> numbers(const nlohmann::json& j) {
  std::vector<T> all;
  append_numbers(j, all);
  return all;
}

inline TimeMoeConfig tiny_time_moe_config() {
  const auto c = read_golden("golden_time_moe.json")["config"];
  TimeMoeConfig t;
  t.hidden_size = c["hidden_size"];
  t.intermediate_size = c["intermediate_size"];
  t.num_hidden_layers = c["num_hidden_layers"];
  t.num_attention_heads = c["num_attention_heads"];
  t.num_key_value_heads = c["num_key_value_heads"];
  t.num_experts = c["num_experts"];
  t.num_experts_per_tok = c["num_experts_per_tok"];
  t.moe_intermediate_size = t.intermediate_size / t.num_experts_per_tok;
  t.horizon_lengths = numbers<std::int64_t>(c["horizon_lengths"]);
  t.rms_norm_eps = c["rms_norm_eps"];
  t.rope_theta = c["rope_theta"];
  t.router_aux_loss_factor = c["router_aux_loss_factor"];
  return t;
}

inline MixtralConfig tiny_mixtral_config() {
  const auto c = read_golden("golden_mixtral.json")["config"];
  MixtralConfig m;
  m.vocab_size = c["vocab_size"];
  m.hidden_size = c["hidden_size"];
  m.intermediate_size = c["intermediate_size"];
  m.num_hidden_layers = c["num_hidden_layers"];
  m.num_attention_heads = c["num_attention_heads"];
  m.num_key_value_heads = c["num_key_value_heads"];
  m.head_dim = m.hidden_size / m.num_attention_heads;
  m.num_local_experts = c["num_local_experts"];
  m.num_experts_per_tok = c["num_experts_per_tok"];
  m.rms_norm_eps = c["rms_norm_eps"];
  m.rope_theta = c["rope_theta"];
  return m;
}

inline TimeMoe tiny_time_moe() { return make_time_moe(tiny_time_moe_config(), golden_weights()); }
inline Mixtral tiny_mixtral() { return make_mixtral(tiny_mixtral_config(), golden_weights()); }

// The golden series, [2, 6], made by the generator (the file has 9 digits of it).
template <class Real>
std::vector<Real> golden_series(const std::string& name, double scale) {
  const auto v = golden_values(name, 0, scale, 12);
  return {v.begin(), v.end()};
}

}  // namespace moe::reference
