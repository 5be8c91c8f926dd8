#include "reference/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "kernels/contract/error.h"
#include "reference/generated_weights.h"
#include "reference/golden_models_for_tests.h"
#include "reference/io/test_folder.h"

namespace moe::reference {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path config_file(const std::string& name) {
  return fs::path(MOEBENCH_SOURCE_DIR) / "reference/configs" / (name + ".json");
}

template <class F>
std::string complaint(F&& f) {
  try {
    f();
  } catch (const UserError& e) {
    return e.what();
  }
  return "accepted";
}

// All tensors of a file, to be changed and written again.
std::map<std::string, Tensor> read_all(const fs::path& file) {
  const SafetensorsFile f(file);
  std::map<std::string, Tensor> all;
  for (const auto& [name, entry] : f.entries()) all[name] = f.read(name);
  return all;
}

class Checkpoint : public testing::Test {
 protected:
  void write(const std::string& config) {
    write_model(folder / "m", config_file(config), golden_weights());
  }
  // What load_model says after `change` was done to the weights of the tiny Time-MoE.
  template <class Change>
  std::string after(Change&& change) {
    write("tiny_time_moe");
    auto tensors = read_all(file());
    change(tensors);
    write_safetensors(file(), tensors);
    return complaint([&] { load_model(folder / "m"); });
  }
  fs::path file() const { return folder / "m/model.safetensors"; }
  TestFolder folder;
};

TEST_F(Checkpoint, TimeMoeComesBackAsWritten) {
  write("tiny_time_moe");
  const TimeMoe want = tiny_time_moe();
  const auto got = std::get<TimeMoe>(load_model(folder / "m"));
  EXPECT_EQ(got.layers[1].experts.down, want.layers[1].experts.down);
  EXPECT_EQ(got.layers[0].attention.key.bias, want.layers[0].attention.key.bias);
  EXPECT_EQ(got.heads[2].weight, want.heads[2].weight);
}

TEST_F(Checkpoint, MixtralComesBackAsWritten) {
  write("tiny_mixtral");
  const Mixtral want = tiny_mixtral();
  const auto got = std::get<Mixtral>(load_model(folder / "m"));
  EXPECT_EQ(got.embed, want.embed);
  EXPECT_EQ(got.layers[1].experts.up, want.layers[1].experts.up);
}

// The tensor names and shapes of transformers' in-memory layout since its experts are fused.
TEST_F(Checkpoint, ReadsMixtralWithFusedExperts) {
  write("tiny_mixtral");
  auto tensors = read_all(file());
  for (int l = 0; l < 2; ++l) {
    const std::string layer = "model.layers." + std::to_string(l);
    const std::string old = layer + ".block_sparse_moe.";
    std::vector<float> gate_up;
    std::vector<float> down;
    const auto take = [&](const std::string& name, std::vector<float>& to) {
      const auto v = tensors.at(name).as<float>();
      to.insert(to.end(), v.begin(), v.end());
      tensors.erase(name);
    };
    for (int e = 0; e < 4; ++e) {
      const std::string expert = old + "experts." + std::to_string(e);
      take(expert + ".w1.weight", gate_up);
      take(expert + ".w3.weight", gate_up);
      take(expert + ".w2.weight", down);
    }
    tensors[layer + ".mlp.experts.gate_up_proj"] =
        make_tensor<float>(TensorType::kF32, {4, 40, 16}, gate_up);
    tensors[layer + ".mlp.experts.down_proj"] =
        make_tensor<float>(TensorType::kF32, {4, 16, 20}, down);
    tensors[layer + ".mlp.gate.weight"] = tensors.at(old + "gate.weight");
    tensors.erase(old + "gate.weight");
  }
  write_safetensors(file(), tensors);
  const Mixtral want = tiny_mixtral();
  const auto got = std::get<Mixtral>(load_model(folder / "m"));
  for (int l = 0; l < 2; ++l) {
    EXPECT_EQ(got.layers[l].router.weight, want.layers[l].router.weight);
    EXPECT_EQ(got.layers[l].experts.gate, want.layers[l].experts.gate);
    EXPECT_EQ(got.layers[l].experts.up, want.layers[l].experts.up);
    EXPECT_EQ(got.layers[l].experts.down, want.layers[l].experts.down);
  }
}

TEST_F(Checkpoint, RotaryTablesOfOldFilesAreIgnored) {
  EXPECT_EQ(after([](auto& t) {
              t["model.layers.0.self_attn.rotary_emb.inv_freq"] = t.at("model.norm.weight");
            }),
            "accepted");
}
TEST_F(Checkpoint, MissingTensorsAreNamed) {
  EXPECT_THAT(after([](auto& t) { t.erase("model.norm.weight"); }), HasSubstr("model.norm.weight"));
}
TEST_F(Checkpoint, SurplusTensorsAreNamed) {
  EXPECT_THAT(after([](auto& t) {
                t["model.layers.2.input_layernorm.weight"] = t.at("model.norm.weight");
              }),
              HasSubstr("did you mean \"model.layers.0.input_layernorm.weight\"?"));
}
TEST_F(Checkpoint, MisshapenTensorsAreNamed) {
  EXPECT_THAT(after([](auto& t) {
                t.at("lm_heads.1.out_layer.weight").shape = {2, 32};
              }),
              HasSubstr("shape [2, 32], expected [4, 16]"));
}
TEST_F(Checkpoint, IntegerTensorsAreNamed) {
  EXPECT_THAT(after([](auto& t) { t.at("model.norm.weight").type = TensorType::kI32; }),
              HasSubstr("is I32, expected BF16, F16 or F32"));
}
TEST_F(Checkpoint, AFolderWithoutWeightsSaysSo) {
  fs::create_directories(folder / "m");
  fs::copy_file(config_file("tiny_mixtral"), folder / "m/config.json");
  EXPECT_THAT(complaint([&] { load_model(folder / "m"); }), HasSubstr("no weights"));
}
TEST_F(Checkpoint, WeightsAreNeverReplaced) {
  write("tiny_mixtral");
  EXPECT_THAT(complaint([&] { write("tiny_mixtral"); }), HasSubstr("exists already"));
}
TEST_F(Checkpoint, TheConfigMayLieInTheFolderAlready) {
  fs::create_directories(folder / "m");
  fs::copy_file(config_file("tiny_mixtral"), folder / "m/config.json");
  write_model(folder / "m", folder / "m/config.json", golden_weights());
  EXPECT_NO_THROW(load_model(folder / "m"));
}

// The published file of TimeMoE-50M has exactly this size, which fixes names, shapes and dtype.
TEST_F(Checkpoint, TimeMoe50MIsAsLargeAsThePublishedFile) {
  write_model(folder / "m", config_file("time_moe_50m"), [](const WeightTensor& t) {
    return std::vector<float>(static_cast<std::size_t>(t.elements()), 0.0F);
  });
  EXPECT_EQ(fs::file_size(file()), 226'760'264U);
}

TEST(NormalWeights, HaveTheAskedDeviation) {
  const auto w = normal_weights(7, 0.02)({"w", {400, 250}, TensorRole::kAttention});
  double sum = 0;
  double squares = 0;
  double fourth = 0;
  for (const float v : w) {
    sum += v;
    squares += double{v} * v;
    fourth += std::pow(double{v}, 4);
  }
  const double n = 1e5;
  // Standard errors of mean, variance and kurtosis of n normals; four of each.
  EXPECT_LT(std::abs(sum / n / 0.02), 4 / std::sqrt(n));
  EXPECT_LT(std::abs(squares / n / 4e-4 - 1), 4 * std::sqrt(2 / n));
  EXPECT_LT(std::abs(fourth / n / 1.6e-7 - 3), 4 * std::sqrt(96 / n));
}
TEST(NormalWeights, DependOnSeedAndName) {
  const auto make = [](std::uint64_t seed, const char* name) {
    return normal_weights(seed, 1)({name, {3, 3}, TensorRole::kRouter});
  };
  EXPECT_EQ(make(1, "a"), make(1, "a"));
  EXPECT_NE(make(1, "a"), make(2, "a"));
  EXPECT_NE(make(1, "a"), make(1, "b"));
}
TEST(NormalWeights, NormsAreOneAndBiasesZero) {
  const auto source = normal_weights(1, 0.02);
  EXPECT_EQ(source({"n", {2}, TensorRole::kNorm}), (std::vector<float>{1, 1}));
  EXPECT_EQ(source({"b", {2}, TensorRole::kAttentionBias}), (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace moe::reference
