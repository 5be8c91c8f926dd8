#include "reference/model_config.h"

#include <algorithm>
#include <array>

#include "kernels/contract/error.h"
#include "reference/io/strict_json.h"

namespace moe::reference {
namespace {

// Fields of published files that do not touch what we compute. sliding_window is one: Mixtral's is
// null, and copies of its first upload still say 4096 by mistake.
const std::vector<std::string> kPassedOver = {"_name_or_path",
                                              "architectures",
                                              "attention_dropout",
                                              "auto_map",
                                              "bos_token_id",
                                              "do_sample",
                                              "eos_token_id",
                                              "max_length",
                                              "max_position_embeddings",
                                              "output_attentions",
                                              "output_hidden_states",
                                              "output_router_logits",
                                              "pad_token_id",
                                              "router_jitter_noise",
                                              "sliding_window",
                                              "transformers_version",
                                              "unk_token_id",
                                              "use_cache"};

const std::vector<std::string> kShared = {"dtype",
                                          "hidden_act",
                                          "hidden_size",
                                          "initializer_range",
                                          "intermediate_size",
                                          "model_type",
                                          "num_attention_heads",
                                          "num_experts_per_tok",
                                          "num_hidden_layers",
                                          "num_key_value_heads",
                                          "rms_norm_eps",
                                          "rope_scaling",
                                          "rope_theta",
                                          "tie_word_embeddings",
                                          "torch_dtype"};

const std::vector<std::string> kTimeMoeOnly = {
    "apply_aux_loss", "horizon_lengths",        "input_size", "moe_intermediate_size",
    "num_experts",    "router_aux_loss_factor", "use_dense"};

const std::vector<std::string> kMixtralOnly = {"head_dim", "num_local_experts",
                                               "router_aux_loss_coef", "vocab_size"};

// Larger than any model there is, small enough that no count of weights overflows.
constexpr std::int64_t kMostWidth = 1 << 17;
constexpr std::int64_t kMostVocabulary = 1 << 24;
constexpr std::int64_t kMostLayers = 1 << 10;
constexpr std::int64_t kMostExperts = 1 << 12;

bool given(const Json& root, const std::string& key) {
  return root.has(key) && !root.at(key).is_null();
}
std::int64_t size(const Json& root, const std::string& key, std::int64_t most = kMostWidth) {
  return root.at(key).integer(1, most);
}
std::int64_t size_or(const Json& root, const std::string& key, std::int64_t otherwise) {
  return given(root, key) ? size(root, key) : otherwise;
}
double number_or(const Json& root, const std::string& key, double otherwise) {
  return given(root, key) ? root.at(key).number(0, 1) : otherwise;
}
bool flag_or(const Json& root, const std::string& key, bool otherwise) {
  return given(root, key) ? root.at(key).boolean() : otherwise;
}

// A key nobody knows is somebody's own note; one that is almost known is a slip of the pen.
void refuse_near_misses(const Json& root, const std::vector<std::string>& own) {
  std::vector<std::string> known = kPassedOver;
  known.insert(known.end(), kShared.begin(), kShared.end());
  known.insert(known.end(), own.begin(), own.end());
  for (const auto& [key, value] : root.members()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const std::string near = did_you_mean(key, known);
    if (!near.empty()) value.fail("unknown key \"" + key + "\"" + near);
  }
}

void refuse_what_is_not_computed(const Json& root) {
  static const std::array<std::string, 1> kActivations = {"silu"};
  if (given(root, "hidden_act")) root.at("hidden_act").one_of(kActivations, "activation");
  if (given(root, "rope_scaling")) {
    root.at("rope_scaling").fail("scaled rotary positions are not known here, expected null");
  }
  if (flag_or(root, "tie_word_embeddings", false)) {
    root.at("tie_word_embeddings").fail("tied embeddings are not known here, expected false");
  }
}

TensorType dtype_of(const Json& root) {
  static const std::array<std::string, 3> kTypes = {"bfloat16", "float16", "float32"};
  const std::string key = given(root, "torch_dtype") ? "torch_dtype" : "dtype";
  if (!given(root, key)) return TensorType::kF32;
  const std::string word = root.at(key).one_of(kTypes, "torch_dtype");
  if (word == "bfloat16") return TensorType::kBf16;
  return word == "float16" ? TensorType::kF16 : TensorType::kF32;
}

// What both models have.
template <class Config>
void read_shared(const Json& root, Config& c) {
  refuse_what_is_not_computed(root);
  c.hidden_size = size(root, "hidden_size");
  c.intermediate_size = size(root, "intermediate_size");
  c.num_hidden_layers = size(root, "num_hidden_layers", kMostLayers);
  c.num_attention_heads = size(root, "num_attention_heads");
  c.num_key_value_heads = size_or(root, "num_key_value_heads", c.num_attention_heads);
  c.num_experts_per_tok = size(root, "num_experts_per_tok", kMostExperts);
  c.rms_norm_eps = root.at("rms_norm_eps").number(0, 1);
  c.rope_theta = root.at("rope_theta").number(1, 1e12);
  c.initializer_range = number_or(root, "initializer_range", 0.02);
  c.torch_dtype = dtype_of(root);
  if (c.num_attention_heads % c.num_key_value_heads != 0) {
    root.at("num_key_value_heads")
        .fail(std::to_string(c.num_key_value_heads) +
              " does not divide num_attention_heads = " + std::to_string(c.num_attention_heads));
  }
}

void check_heads(const Json& root, std::int64_t hidden, std::int64_t heads) {
  if (hidden % heads == 0) return;
  root.at("num_attention_heads")
      .fail(std::to_string(heads) + " does not divide hidden_size = " + std::to_string(hidden));
}

void check_head_dim(const Json& root, std::int64_t head_dim) {
  if (head_dim % 2 == 0) return;
  root.fail("heads are " + std::to_string(head_dim) +
            " wide, expected an even width: rotary positions turn pairs");
}

void check_top_k(const Json& root, std::int64_t top_k, const std::string& experts_key,
                 std::int64_t experts) {
  if (top_k <= experts) return;
  root.at("num_experts_per_tok")
      .fail(std::to_string(top_k) + " experts per token, but " + experts_key + " = " +
            std::to_string(experts));
}

std::vector<std::int64_t> horizons_of(const Json& root) {
  const Json field = root.at("horizon_lengths");
  if (!field.is_array()) return {field.integer(1, kMostWidth)};
  std::vector<std::int64_t> all;
  for (const Json& item : field.items()) {
    all.push_back(item.integer(1, kMostWidth));
    if (all.size() > 1 && all[all.size() - 2] >= all.back()) {
      item.fail(std::to_string(all.back()) + " after " + std::to_string(all[all.size() - 2]) +
                ", expected ascending lengths");
    }
  }
  if (all.empty()) field.fail("no horizon, expected at least one");
  return all;
}

TimeMoeConfig time_moe_config(const Json& root) {
  refuse_near_misses(root, kTimeMoeOnly);
  TimeMoeConfig c;
  read_shared(root, c);
  check_heads(root, c.hidden_size, c.num_attention_heads);
  check_head_dim(root, c.head_dim());
  c.num_experts = size(root, "num_experts", kMostExperts);
  check_top_k(root, c.num_experts_per_tok, "num_experts", c.num_experts);
  c.input_size = size_or(root, "input_size", 1);
  c.horizon_lengths = horizons_of(root);
  c.use_dense = flag_or(root, "use_dense", false);
  c.apply_aux_loss = flag_or(root, "apply_aux_loss", true);
  c.router_aux_loss_factor = number_or(root, "router_aux_loss_factor", 0.02);
  if (c.use_dense == c.apply_aux_loss) {
    root.fail("use_dense and apply_aux_loss are both " +
              std::string(c.use_dense ? "true" : "false") +
              ", expected exactly one of them to be true");
  }
  if (!given(root, "moe_intermediate_size") && c.intermediate_size < c.num_experts_per_tok) {
    root.at("intermediate_size")
        .fail("intermediate_size / num_experts_per_tok is 0, expected experts of some width");
  }
  c.moe_intermediate_size =
      size_or(root, "moe_intermediate_size", c.intermediate_size / c.num_experts_per_tok);
  return c;
}

MixtralConfig mixtral_config(const Json& root) {
  refuse_near_misses(root, kMixtralOnly);
  MixtralConfig c;
  read_shared(root, c);
  if (!given(root, "head_dim")) check_heads(root, c.hidden_size, c.num_attention_heads);
  c.head_dim = size_or(root, "head_dim", c.hidden_size / c.num_attention_heads);
  check_head_dim(root, c.head_dim);
  c.num_local_experts = size(root, "num_local_experts", kMostExperts);
  check_top_k(root, c.num_experts_per_tok, "num_local_experts", c.num_local_experts);
  c.vocab_size = size(root, "vocab_size", kMostVocabulary);
  c.router_aux_loss_coef = number_or(root, "router_aux_loss_coef", 0.02);
  return c;
}

ModelConfig config_of(const Json& root) {
  static const std::array<std::string, 2> kModels = {"mixtral", "time_moe"};
  const std::string model = root.at("model_type").one_of(kModels, "model_type");
  if (model == "mixtral") return mixtral_config(root);
  return time_moe_config(root);
}

}  // namespace

ModelConfig read_model_config(const std::filesystem::path& config_json) {
  return config_of(Json::parse_file(config_json));
}
ModelConfig parse_model_config(const std::string& text, const std::string& name) {
  return config_of(Json::parse_text(text, name));
}

}  // namespace moe::reference
