#include "reference/checkpoint.h"

#include <algorithm>
#include <map>
#include <span>
#include <stdexcept>
#include <string>

#include "kernels/contract/error.h"
#include "reference/io/safetensors.h"

namespace moe::reference {
namespace {

namespace fs = std::filesystem;

std::string written(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t d : shape) text += (text.empty() ? "" : ", ") + std::to_string(d);
  return "[" + text + "]";
}

Model build(const ModelConfig& config, const TensorSource& source) {
  if (const auto* c = std::get_if<TimeMoeConfig>(&config)) return make_time_moe(*c, source);
  return make_mixtral(std::get<MixtralConfig>(config), source);
}

TensorType stored_type(const ModelConfig& config) {
  return std::visit([](const auto& c) { return c.torch_dtype; }, config);
}

// Recent versions of transformers keep all experts of a Mixtral layer in two tensors:
//   mlp.experts.gate_up_proj [E, 2 F, H], w1 above w3, and mlp.experts.down_proj [E, H, F].
// Says where a tensor of the published layout lies in them.
struct FusedPlace {
  std::string name;
  std::int64_t first;               // element
  std::vector<std::int64_t> shape;  // of the whole fused tensor
};
std::optional<FusedPlace> fused_place(const WeightTensor& t, std::int64_t experts) {
  const std::string published = ".block_sparse_moe.";
  const std::size_t at = t.name.find(published);
  if (at == std::string::npos) return std::nullopt;
  const std::string layer = t.name.substr(0, at) + ".mlp.";
  const std::string rest = t.name.substr(at + published.size());
  if (t.role == TensorRole::kRouter) return FusedPlace{layer + rest, 0, t.shape};
  // experts.{e}.w{1,2,3}.weight
  const std::int64_t e = std::stoll(rest.substr(std::string("experts.").size()));
  const char which = rest[rest.size() - std::string("1.weight").size()];
  if (which == '2') {
    return FusedPlace{
        layer + "experts.down_proj", e * t.elements(), {experts, t.shape[0], t.shape[1]}};
  }
  return FusedPlace{layer + "experts.gate_up_proj",
                    (2 * e + (which == '3')) * t.elements(),
                    {experts, 2 * t.shape[0], t.shape[1]}};
}

// Tensors out of an open file, each checked against what the config expects.
class CheckpointSource {
 public:
  CheckpointSource(const fs::path& path, const ModelConfig& config) : path_(path), file_(path) {
    if (const auto* c = std::get_if<MixtralConfig>(&config)) {
      experts_ = c->num_local_experts;
      fused_ = file_.contains("model.layers.0.mlp.experts.gate_up_proj");
    }
    std::vector<std::string> expected;
    for (const WeightTensor& t : weight_tensors(config)) {
      const auto place = in_file(t);
      check(place.name, place.shape);
      expected.push_back(place.name);
    }
    std::ranges::sort(expected);
    for (const auto& [name, entry] : file_.entries()) {
      // Old files also store the rotary tables, which follow from the config.
      if (std::ranges::binary_search(expected, name) || name.ends_with(".rotary_emb.inv_freq")) {
        continue;
      }
      throw UserError(path_.string() + ": tensor \"" + name +
                      "\" is not one of the model in config.json" + did_you_mean(name, expected));
    }
  }

  std::vector<float> operator()(const WeightTensor& t) {
    const auto place = in_file(t);
    if (name_ != place.name) {
      values_ = file_.read(place.name).as<float>();
      name_ = place.name;
    }
    if (static_cast<std::int64_t>(values_.size()) == t.elements()) {
      name_.clear();
      return std::move(values_);
    }
    const auto first = values_.begin() + place.first;
    return {first, first + t.elements()};
  }

 private:
  FusedPlace in_file(const WeightTensor& t) const {
    const auto place = fused_ ? fused_place(t, experts_) : std::nullopt;
    return place.value_or(FusedPlace{t.name, 0, t.shape});
  }

  void check(const std::string& name, const std::vector<std::int64_t>& shape) const {
    if (!file_.contains(name)) file_.read(name);  // throws with the nearest name
    const TensorEntry& entry = file_.entries().at(name);
    if (entry.shape != shape) {
      throw UserError(path_.string() + ": tensor \"" + name + "\" has shape " +
                      written(entry.shape) + ", expected " + written(shape) + " by config.json");
    }
    const bool real = entry.type == TensorType::kBf16 || entry.type == TensorType::kF16 ||
                      entry.type == TensorType::kF32;
    if (!real) {
      throw UserError(path_.string() + ": tensor \"" + name + "\" is " +
                      std::string(to_string(entry.type)) + ", expected BF16, F16 or F32");
    }
  }

  fs::path path_;
  SafetensorsFile file_;
  bool fused_ = false;
  std::int64_t experts_ = 0;
  std::string name_;           // of the tensor last read: a fused one is asked for many times
  std::vector<float> values_;  // its values
};

}  // namespace

std::vector<WeightTensor> weight_tensors(const ModelConfig& config) {
  std::vector<WeightTensor> all;
  build(config, [&](const WeightTensor& t) {
    all.push_back(t);
    return std::vector<float>{};
  });
  return all;
}

std::optional<fs::path> weights_file(const fs::path& folder) {
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"}) {
    if (fs::exists(folder / name)) return folder / name;
  }
  return std::nullopt;
}

Model load_model(const fs::path& folder) {
  const ModelConfig config = read_model_config(folder / "config.json");
  const auto file = weights_file(folder);
  if (!file) {
    throw UserError(folder.string() +
                    ": no weights, expected model.safetensors or model.safetensors.index.json");
  }
  const auto source = std::make_shared<CheckpointSource>(*file, config);
  return build(config, [source](const WeightTensor& t) { return (*source)(t); });
}

void write_model(const fs::path& folder, const fs::path& config_file, const TensorSource& weights) {
  const ModelConfig config = read_model_config(config_file);
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder)) {
    throw UserError(folder.string() + ": cannot be made a folder" +
                    (error ? ", " + error.message() : ""));
  }
  if (const auto file = weights_file(folder)) {
    throw UserError(file->string() + ": exists already, expected a folder without weights");
  }
  const TensorType type = stored_type(config);
  std::map<std::string, WeightTensor> by_name;
  std::map<std::string, TensorSpec> specs;
  for (const WeightTensor& t : weight_tensors(config)) {
    by_name[t.name] = t;
    specs[t.name] = {type, t.shape};
  }
  write_safetensors(folder / "model.safetensors", specs, {{"format", "pt"}},
                    [&](const std::string& name) {
                      const WeightTensor& t = by_name.at(name);
                      return make_tensor<float>(type, t.shape, weights(t));
                    });
  if (fs::weakly_canonical(config_file) == fs::weakly_canonical(folder / "config.json")) return;
  fs::copy_file(config_file, folder / "config.json", fs::copy_options::overwrite_existing, error);
  if (error) {
    throw UserError((folder / "config.json").string() + ": cannot be written, " + error.message());
  }
}

}  // namespace moe::reference
