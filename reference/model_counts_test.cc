#include "reference/model_counts.h"

#include <gtest/gtest.h>

// Published or computed by hand from the published shapes (arXiv 2409.16040, 2401.04088).
namespace moe::reference {
namespace {

ModelCounts counts(const std::string& name) {
  return count_model(
      read_model_config(std::string(MOEBENCH_SOURCE_DIR) + "/reference/configs/" + name + ".json"));
}

TEST(ModelCounts, TimeMoe50M) {
  const ModelCounts n = counts("time_moe_50m");
  EXPECT_EQ(n.parameters, 113'352'192);
  EXPECT_EQ(n.active_parameters, 49'651'200);
  EXPECT_EQ(n.tensors, 463);
  EXPECT_EQ(n.checkpoint_bytes, 226'704'384);
  EXPECT_EQ(n.kv_bytes_per_token, 18'432);
  EXPECT_EQ(n.layer_flops_per_token, 2 * 49'586'688LL);
  EXPECT_EQ(n.routed_flops_per_token, 2 * 12 * 1'769'472LL);
  EXPECT_EQ(n.head_flops_per_token, 2 * 105 * 384);
  EXPECT_EQ(n.attention_flops_per_token_and_key, 2 * 2 * 384 * 12);
}
TEST(ModelCounts, TimeMoe200M) {
  const ModelCounts n = counts("time_moe_200m");
  EXPECT_EQ(n.parameters, 453'196'800);
  EXPECT_EQ(n.active_parameters, 198'392'832);
  EXPECT_EQ(n.kv_bytes_per_token, 36'864);
  EXPECT_EQ(n.layer_flops_per_token, 2 * 198'263'808LL);
}
TEST(ModelCounts, TimeMoeUltra) {
  const ModelCounts n = counts("time_moe_ultra");
  EXPECT_EQ(n.parameters, 2'416'545'792);
  EXPECT_EQ(n.active_parameters, 1'057'591'296);
  EXPECT_EQ(n.kv_bytes_per_token, 147'456);
  EXPECT_EQ(n.layer_flops_per_token, 2 * 1'057'296'384LL);
}
TEST(ModelCounts, Mixtral8x7B) {
  const ModelCounts n = counts("mixtral_8x7b");
  EXPECT_EQ(n.parameters, 46'702'792'704);
  EXPECT_EQ(n.active_parameters, 12'879'925'248);
  EXPECT_EQ(n.tensors, 995);
  EXPECT_EQ(n.kv_bytes_per_token, 131'072);
  EXPECT_EQ(n.layer_flops_per_token, 2 * 32 * (41'943'040LL + 2 * 176'160'768LL + 32'768));
  EXPECT_EQ(n.head_flops_per_token, 2 * 131'072'000LL);
}
TEST(ModelCounts, TheTinyModelsOfTheGoldenFiles) {
  EXPECT_EQ(counts("tiny_time_moe").parameters, 8'992);
  EXPECT_EQ(counts("tiny_mixtral").parameters, 10'160);
}
TEST(ModelCounts, PartsAddUp) {
  for (const char* name : {"time_moe_50m", "mixtral_mini"}) {
    const ModelCounts n = counts(name);
    std::int64_t sum = 0;
    for (const auto& [part, weights] : n.parameters_by_part) sum += weights;
    EXPECT_EQ(sum, n.parameters) << name;
  }
}

}  // namespace
}  // namespace moe::reference
