// Every strategy of the CPU, on every awkward shape. A new one is under test the moment its
// file exists. The large grid is bench/matrices/acceptance.json.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>

#include "harness/judge.h"

namespace moe::harness {
namespace {

struct Case {
  const char* name;
  MoeShape shape;
  const char* workload;
  friend void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }
};

constexpr MoeShape shape_of(std::int64_t tokens, std::int64_t hidden, std::int64_t ffn,
                            std::int64_t experts, std::int64_t top_k, bool renormalize = true) {
  return {tokens, hidden, ffn, experts, top_k, renormalize, DType::kF32};
}

class EveryStrategy : public testing::TestWithParam<std::tuple<const StrategyInfo*, Case>> {};

// The instruction set that strategies prepared while this lives multiply with.
class ForcedIsa {
 public:
  explicit ForcedIsa(const std::string& isa) { setenv("MOEBENCH_ISA", isa.c_str(), 1); }
  ~ForcedIsa() { unsetenv("MOEBENCH_ISA"); }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;
};

TEST_P(EveryStrategy, MatchesTheReferenceInEveryDTypeOnEveryInstructionSet) {
  const auto& [info, c] = GetParam();
  if (const auto why = info->unsupported(c.shape)) GTEST_SKIP() << *why;
  for (const DType dtype : {DType::kF32, DType::kBf16, DType::kInt8, DType::kInt4}) {
    MoeShape shape = c.shape;
    shape.dtype = dtype;
    Judge judge(make_workload(c.workload, shape, make_weights(shape, 3), 3));
    for (const std::string& isa : cpu_instruction_sets()) {
      const ForcedIsa forced(isa);
      const Validation v = judge.examine(*info, {}).validation;
      EXPECT_TRUE(v.passed()) << isa << ", " << to_string(dtype) << ": " << v.fault;
      EXPECT_TRUE(v.bitwise_repeatable) << isa << ", " << to_string(dtype);
    }
  }
}

TEST(AllStrategies, HaveDistinctNamesPerBackend) {
  std::set<std::string> seen;
  for (const auto* s : all_strategies()) EXPECT_TRUE(seen.insert(full_name(*s)).second) << s->name;
  EXPECT_FALSE(seen.empty());
}

TEST(AllStrategies, AreNamedAfterTheirFiles) {
  for (const auto* s : all_strategies()) {
    EXPECT_EQ(std::string(s->name).find('_'), std::string::npos) << s->name;
  }
}

// Those of CUDA are tested in harness/cuda.
std::vector<const StrategyInfo*> cpu_strategies() {
  std::vector<const StrategyInfo*> some;
  for (const auto* s : all_strategies()) {
    if (s->backend == Backend::kCpu) some.push_back(s);
  }
  return some;
}

std::string test_name(const testing::TestParamInfo<EveryStrategy::ParamType>& info) {
  const auto& [strategy, c] = info.param;
  auto name = full_name(*strategy) + "_" + c.name;
  std::ranges::replace_if(
      name, [](char ch) { return ch == '-' || ch == '@'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryStrategy,
    testing::Combine(
        testing::ValuesIn(cpu_strategies()),
        testing::Values(Case{"no_token", shape_of(0, 8, 16, 4, 2), "uniform"},
                        Case{"one_token", shape_of(1, 8, 16, 4, 2), "uniform"},
                        Case{"two_tokens", shape_of(2, 8, 16, 4, 2), "uniform"},
                        Case{"few_tokens", shape_of(15, 130, 33, 7, 3), "zipf:1.0"},
                        Case{"odd_sizes", shape_of(37, 33, 19, 7, 3), "zipf:1.0"},
                        Case{"one_wide", shape_of(17, 1, 1, 3, 2), "uniform"},
                        Case{"one_expert", shape_of(9, 16, 16, 1, 1), "uniform"},
                        Case{"all_experts", shape_of(9, 16, 16, 4, 4), "uniform"},
                        Case{"all_on_one", shape_of(50, 16, 16, 8, 1), "collapse"},
                        Case{"over_a_block", shape_of(300, 130, 257, 4, 1), "collapse"},
                        Case{"deeper_than_a_piece", shape_of(40, 600, 530, 2, 1), "uniform"},
                        Case{"many_experts", shape_of(40, 24, 20, 128, 8), "zipf:1.5"},
                        Case{"not_renormalized", shape_of(20, 16, 16, 8, 2, false), "hot:1:0.5"})),
    test_name);

}  // namespace
}  // namespace moe::harness
