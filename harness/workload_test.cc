#include "harness/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "harness/routing_generator.h"
#include "harness/selection.h"
#include "harness/workload_name.h"
#include "kernels/contract/error.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

MoeShape shape(std::int64_t tokens, std::int64_t experts, std::int64_t top_k) {
  return {.tokens = tokens, .hidden = 12, .ffn = 20, .experts = experts, .top_k = top_k};
}

Workload make(const std::string& name, const MoeShape& s, std::uint64_t seed = 1) {
  return make_workload(name, s, nullptr, seed);
}

MatrixView<const float> logits_of(const Workload& w) {
  return packed(w.logits.data(), w.shape.tokens, w.shape.experts);
}

std::string message(const std::string& name, const MoeShape& s) {
  try {
    make(name, s);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

const std::vector<std::string> kAll = {"balanced", "uniform",  "zipf:1.2",       "dirichlet:0.1",
                                       "hot:2:1",  "collapse", "correlated:8:32"};

TEST(Workload, ReferenceRoutingIsTheGeneratedSelection) {
  const auto s = shape(300, 16, 3);
  for (const auto& name : kAll) {
    const auto w = make(name, s, 5);
    const auto selection = generate_selection(parse_generator(name, s), s, 5);
    const auto routing = reference::route<float>(TokenChoice{}, s, logits_of(w));
    EXPECT_EQ(routing.expert, selection.ids) << name;
    EXPECT_EQ(top_k_ids(logits_of(w), s.top_k), selection.ids) << name;
    EXPECT_EQ(w.hash, routing_hash(selection.ids, w.logits)) << name;
  }
}

TEST(Workload, LogitsOfATokenAllDiffer) {
  const auto w = make("uniform", shape(50, 256, 8));
  for (std::int64_t t = 0; t < 50; ++t) {
    const auto g = logits_of(w).row(t);
    EXPECT_EQ(std::set(g.begin(), g.end()).size(), 256U);
    EXPECT_THAT(g, testing::Each(testing::AllOf(testing::Ge(-2.0F), testing::Lt(2.0F))));
  }
}

TEST(Workload, WithoutTokensIsEmptyButComplete) {
  for (const auto& name : kAll) {
    const auto w = make(name, shape(0, 8, 2));
    EXPECT_TRUE(w.x.empty() && w.logits.empty()) << name;
    EXPECT_EQ(w.hash, routing_hash({}, {})) << name;
    EXPECT_EQ(w.problem().batch.x.rows, 0) << name;
  }
}

TEST(Workload, KeepsItsHashOnAnyNumberOfThreads) {
  const int before = omp_get_max_threads();
  for (const auto& name : kAll) {
    omp_set_num_threads(1);
    const auto one = make(name, shape(500, 32, 4), 9);
    omp_set_num_threads(2);
    const auto two = make(name, shape(500, 32, 4), 9);
    EXPECT_EQ(one.hash, two.hash) << name;
    EXPECT_EQ(one.x, two.x) << name;
  }
  omp_set_num_threads(before);
}

// Published numbers: a change here breaks every stored result's identity.
TEST(Workload, HashesArePinned) {
  const auto s = shape(1024, 64, 6);
  EXPECT_EQ(make("balanced", s, 7).hash, "235fc05ea613fba7");
  EXPECT_EQ(make("uniform", s, 7).hash, "c2165b0470393071");
  EXPECT_EQ(make("zipf:1.0", s, 7).hash, "932a6507eea72946");
  EXPECT_EQ(make("zipf:2.0", s, 7).hash, "a81ec3b0253e4c6c");
  EXPECT_EQ(make("dirichlet:0.1", s, 7).hash, "4468476ca8046f53");
  EXPECT_EQ(make("hot:4:0.5", s, 7).hash, "bf88068ba1b4d197");
  EXPECT_EQ(make("collapse", s, 7).hash, "f4d127510159a2ae");
  EXPECT_EQ(make("correlated:8:128", s, 7).hash, "a3b1b10c0d400321");
}

TEST(Workload, InputsAndWeightsArePinned) {
  auto s = shape(64, 4, 2);
  const auto weights = make_weights(s, 7);
  EXPECT_EQ(routing_hash({}, make("uniform", s, 7).x), "33ac279e6cd43850");
  EXPECT_EQ(routing_hash({}, weights->gate), "eb4bd17fe7709b90");
  EXPECT_EQ(routing_hash({}, weights->down), "59b3d95492e48507");
  s.dtype = DType::kBf16;
  EXPECT_EQ(routing_hash({}, make_weights(s, 7)->gate), "a5f82bdfcf10cdc6");
}

TEST(Workload, ForgottenParametersTakeTheirDefaults) {
  const auto s = shape(100, 16, 2);
  EXPECT_EQ(make("zipf", s).hash, make("zipf:1.0", s).hash);
  EXPECT_EQ(make("hot", s).hash, make("hot:1:1", s).hash);
  EXPECT_EQ(make("correlated", s).hash, make("correlated:8:128", s).hash);
}

TEST(Workload, AnotherSeedIsAnotherWorkload) {
  for (const auto& name : kAll) {
    EXPECT_NE(make(name, shape(100, 16, 2), 1).hash, make(name, shape(100, 16, 2), 2).hash) << name;
  }
}

TEST(Workload, RefusesAnUnknownNameWithTheNearest) {
  EXPECT_THAT(message("zipff:1", shape(4, 4, 2)), testing::HasSubstr("did you mean \"zipf\"?"));
}
TEST(Workload, RefusesParametersOutOfRange) {
  const auto s = shape(4, 8, 2);
  for (const std::string name : {"hot:0", "hot:9", "hot:1:1.5", "hot:1.5", "zipf:-1", "zipf:nan",
                                 "zipf:", "zipf:1x", "dirichlet:0", "correlated:8:0"}) {
    EXPECT_THAT(message(name, s), testing::HasSubstr("expected a")) << name;
  }
}
TEST(Workload, RefusesAParameterTooMany) {
  EXPECT_THAT(message("uniform:1", shape(4, 8, 2)), testing::HasSubstr("at most 0"));
}
TEST(Workload, RefusesMoreChoicesThanExperts) {
  EXPECT_THAT(message("uniform", shape(4, 2, 3)), testing::HasSubstr("expected 1 to 2"));
}

double mean_square(const std::vector<float>& v) {
  return std::inner_product(v.begin(), v.end(), v.begin(), 0.0) / static_cast<double>(v.size());
}

// Sampling error of a variance: under 5 / sqrt(n) relative.
TEST(Workload, InputsHaveVarianceOne) {
  const auto w = make("uniform", {.tokens = 1000, .hidden = 100, .experts = 2, .top_k = 1});
  EXPECT_NEAR(mean_square(w.x), 1, 5 / std::sqrt(1e5));
  EXPECT_NEAR(std::accumulate(w.x.begin(), w.x.end(), 0.0) / 1e5, 0, 5 / std::sqrt(1e5));
}
TEST(Workload, WeightsHaveVarianceOneOverFanIn) {
  const MoeShape s{.tokens = 0, .hidden = 50, .ffn = 200, .experts = 10, .top_k = 1};
  const auto w = make_weights(s, 3);
  EXPECT_NEAR(mean_square(w->gate) * 50, 1, 5 / std::sqrt(1e5));
  EXPECT_NEAR(mean_square(w->up) * 50, 1, 5 / std::sqrt(1e5));
  EXPECT_NEAR(mean_square(w->down) * 200, 1, 5 / std::sqrt(1e5));
}
TEST(Workload, WeightsDoNotDependOnTheNumberOfTokens) {
  EXPECT_EQ(make_weights(shape(1, 4, 2), 3)->up, make_weights(shape(99, 4, 2), 3)->up);
}
TEST(Workload, Bf16ValuesAreTheNearestOfTheF32Ones) {
  auto s = shape(10, 4, 2);
  const auto wide = make_weights(s, 3);
  s.dtype = DType::kBf16;
  const auto narrow = make_weights(s, 3);
  for (std::size_t i = 0; i < wide->gate.size(); ++i) {
    const float step = std::ldexp(1.0F, std::ilogb(wide->gate[i]) - 7);  // 8 significant bits
    EXPECT_EQ(std::remainder(narrow->gate[i], step), 0);
    EXPECT_LE(std::abs(narrow->gate[i] - wide->gate[i]), step / 2);
  }
}

}  // namespace
}  // namespace moe::harness
