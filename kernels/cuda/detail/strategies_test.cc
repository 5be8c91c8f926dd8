// Every strategy on awkward layers, against a plain layer in double precision.
#include <algorithm>

#include "kernels/cuda/detail/strategies_testing.h"

namespace moe::cuda {

extern const StrategyInfo cublaslt_grouped, cublaslt_loop, cublaslt_padded, decode, expert_choice,
    gather_fused, gather_fused_atomic, loop_device_only, loop_per_expert, loop_streams, masked,
    mixed_tiles, padded_capacity, radix_sort_and_group, sort_and_group, wgmma_gather,
    wgmma_sort_and_group;

namespace {

using testing::expect_right;
using testing::LayerCase;
using testing::run_layer;

const StrategyInfo* const kStrategies[] = {&cublaslt_grouped,
                                           &cublaslt_loop,
                                           &cublaslt_padded,
                                           &decode,
                                           &expert_choice,
                                           &gather_fused,
                                           &gather_fused_atomic,
                                           &loop_device_only,
                                           &loop_per_expert,
                                           &loop_streams,
                                           &masked,
                                           &mixed_tiles,
                                           &padded_capacity,
                                           &radix_sort_and_group,
                                           &sort_and_group,
                                           &wgmma_gather,
                                           &wgmma_sort_and_group};

// ---- the layers --------------------------------------------------------------------------------

MoeShape shape(DType dtype, std::int64_t tokens, std::int64_t top_k) {
  return {.tokens = tokens,
          .hidden = 33,
          .ffn = 19,
          .experts = 7,
          .top_k = top_k,
          .renormalize = top_k != 7,
          .dtype = dtype};
}

// Every third of those the stages are tested in: what is left to find here is between them.
std::vector<simt::cuda_tests::Way> a_few_orders() {
  std::vector<simt::cuda_tests::Way> few;
  const auto some = testing::some_ways();
  for (std::size_t i = 0; i < some.size(); i += 3) few.push_back(some[i]);
  return few;
}

class EveryStrategy : public ::testing::TestWithParam<const StrategyInfo*> {
 protected:
  // `ways`: of running; the shapes here need few, the stages have tests of their own.
  static void expect_layer(const LayerCase& c, const std::vector<simt::cuda_tests::Way>& ways =
                                                   simt::cuda_tests::few_ways()) {
    const StrategyInfo& info = *GetParam();
    LayerCase mine = c;
    if (info.unsupported(mine.shape)) {  // decode takes few tokens
      mine.shape.tokens = 2;
      mine.batches = {2, 1, 0, 2};
    }
    if (const auto why = info.unsupported(mine.shape)) GTEST_SKIP() << *why;
    expect_right([&] { return run_layer(info, mine); }, ways);
  }
};

TEST_P(EveryStrategy, TakesBatchesOfAnySizeInF32) {
  expect_layer({.shape = shape(DType::kF32, 17, 3), .batches = {17, 2, 0, 1}});
}
TEST_P(EveryStrategy, TakesBatchesOfAnySizeInBf16) {
  expect_layer({.shape = shape(DType::kBf16, 17, 3), .batches = {17, 2, 0, 1}});
}
TEST_P(EveryStrategy, RunsInAnyOrder) {
  expect_layer({.shape = shape(DType::kBf16, 17, 3), .batches = {17}}, a_few_orders());
}
TEST_P(EveryStrategy, CanBeRecordedWhereItSaysSo) {
  expect_layer({.shape = shape(DType::kF16, 17, 3), .batches = {17}, .recorded = true});
}
TEST_P(EveryStrategy, DoesWhereEveryTokenTakesEveryExpert) {
  expect_layer({.shape = shape(DType::kF32, 5, 7), .batches = {5}});
  expect_layer({.shape = shape(DType::kBf16, 5, 7), .batches = {5}});
}
TEST_P(EveryStrategy, DoesWhereAllTokensWantOneExpert) {
  expect_layer({.shape = shape(DType::kF32, 17, 1), .batches = {17}, .one_expert = true});
  expect_layer({.shape = shape(DType::kBf16, 17, 1), .batches = {17}, .one_expert = true});
}
TEST_P(EveryStrategy, ComputesInTf32) {
  expect_layer({.shape = shape(DType::kTf32, 17, 3), .batches = {17}});
}
TEST_P(EveryStrategy, ComputesInE4m3) {
  expect_layer({.shape = shape(DType::kE4m3, 17, 3), .batches = {17}});
}

INSTANTIATE_TEST_SUITE_P(, EveryStrategy, ::testing::ValuesIn(kStrategies), [](const auto& info) {
  std::string name(info.param->name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace moe::cuda
