#include "harness/device_model.h"

#include <gtest/gtest.h>

#include "kernels/contract/error.h"
#include "reference/golden_models_for_tests.h"

// How reference models are described; what the device makes of it is tested in harness/cuda.
namespace moe::harness {
namespace {

TEST(DescribeTimeMoe, NamesEveryTensorOnce) {
  const reference::TimeMoe model = reference::tiny_time_moe();
  const DecoderDescription d = describe(model);
  EXPECT_EQ(d.channels, 1);
  EXPECT_FALSE(d.experts.renormalize);
  EXPECT_EQ(d.heads_out.size(), 3U);
  std::size_t numbers = d.embed.size() + d.embed_gate.size() + d.norm.size();
  for (const auto& head : d.heads_out) numbers += head.size();
  for (const DecoderLayer& l : d.layers) {
    for (const auto& part :
         {l.input_norm, l.query, l.key, l.value, l.query_bias, l.key_bias, l.value_bias, l.output,
          l.post_attention_norm, l.router, l.ffn.gate, l.ffn.up, l.ffn.down, l.shared_gate}) {
      EXPECT_FALSE(part.empty());
      numbers += part.size();
    }
    numbers += l.experts->gate.size() + l.experts->up.size() + l.experts->down.size();
  }
  EXPECT_EQ(numbers, reference::read_golden("golden_time_moe.json")["num_params"]);
}

TEST(DescribeTimeMoe, ADenseLayerHasNeitherExpertsNorGate) {
  reference::TimeMoeConfig config = reference::tiny_time_moe_config();
  config.use_dense = true;
  config.apply_aux_loss = false;
  const auto model = reference::make_time_moe(config, reference::golden_weights());
  const DecoderDescription d = describe(model);
  EXPECT_EQ(d.layers[0].experts, nullptr);
  EXPECT_TRUE(d.layers[0].shared_gate.empty());
  EXPECT_EQ(d.layers[0].ffn.width, 24);
}

TEST(DescribeMixtral, HasWordsAndNoSharedExpert) {
  const reference::Mixtral model = reference::tiny_mixtral();
  const DecoderDescription d = describe(model);
  EXPECT_EQ(d.channels, 0);
  EXPECT_TRUE(d.experts.renormalize);
  EXPECT_EQ(d.embed.size(), 23U * 16U);
  EXPECT_TRUE(d.layers[0].query_bias.empty());
  EXPECT_EQ(d.layers[0].ffn.width, 0);
  EXPECT_EQ(d.layers[0].experts, &model.layers[0].experts);
}

TEST(FindDeviceStrategy, RefusesUnknownNames) {
  EXPECT_THROW(find_device_strategy("no-such-strategy"), UserError);
  EXPECT_THROW(find_device_strategy("sort-and-group@cpu"), UserError);
}

}  // namespace
}  // namespace moe::harness
