#include <algorithm>
#include <vector>

#include "kernels/common/slots.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"
#include "kernels/cuda/routing/routing.h"

namespace moe::cuda {
namespace {

using simt::cuda_tests::few_ways;
using simt::cuda_tests::first_of;
using simt::cuda_tests::same;
using testing::DeviceArray;
using testing::expect_right;
using testing::Numbers;

struct Case {
  int tokens, top_k, experts;
  std::int64_t height;
};

std::string place(const Case& c, const std::vector<std::int32_t>& expert) {
  const auto slots = static_cast<std::size_t>(c.experts * c.height);
  moe::Slots want{std::vector<std::int32_t>(expert.size()), std::vector<std::int32_t>(slots),
                  std::vector<std::int32_t>(static_cast<std::size_t>(c.experts) + 1)};
  place_with_capacity(expert, c.top_k, c.experts, c.height, want);
  std::vector<std::int32_t> used(static_cast<std::size_t>(c.experts));
  for (std::size_t s = 0; s < slots; ++s) used[s / c.height] += want.token[s] >= 0 ? 1 : 0;

  DeviceArray<std::int32_t> on_device(expert), of_assignment(expert.size()), token(slots);
  DeviceArray<std::int32_t> count(static_cast<std::size_t>(c.experts));
  place_with_height(on_device, c.tokens, c.top_k, c.experts, c.height,
                    {.of_assignment = of_assignment, .token = token, .count = count}, stream());
  check(cudaStreamSynchronize(stream()));
  const std::string wrong =
      first_of({same(of_assignment.get(), want.of_assignment, "slot of assignment"),
                same(token.get(), want.token, "token"), same(count.get(), used, "count")});
  if (wrong.empty()) return {};
  return "T=" + std::to_string(c.tokens) + " K=" + std::to_string(c.top_k) +
         " E=" + std::to_string(c.experts) + " height=" + std::to_string(c.height) + ": " + wrong;
}

std::vector<std::int32_t> random_experts(const Case& c) {
  return Numbers(c.tokens + 1).integers(static_cast<std::size_t>(c.tokens) * c.top_k, c.experts);
}

std::string place_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    if (const auto wrong = place(c, random_experts(c)); !wrong.empty()) return wrong;
  }
  return {};
}

TEST(PlaceWithHeight, IsTheHostsInEveryOrder) {
  expect_right([] {
    return place_all({{0, 2, 3, 4}, {1, 1, 1, 1}, {2, 2, 8, 1}, {17, 2, 7, 3}, {127, 4, 8, 60}});
  });
}

// Heights that drop many, few, and none; the last is as high as there are tokens.
TEST(PlaceWithHeight, DropsWhatFindsItsExpertFull) {
  expect_right([] {
    return place_all({{129, 2, 8, 1}, {129, 2, 8, 20}, {129, 2, 8, 40}, {129, 2, 8, 129}});
  });
}

TEST(PlaceWithHeight, IsTheHostsForManyExpertsAndTokens) {
  expect_right(
      [] {
        return place_all({{1000, 2, 100, 25},
                          {3100, 2, 7, 900},
                          {600, 8, 60, 64},
                          {129, 8, 1024, 3},
                          {15, 2, 1000, 15},
                          {300, 32, 128, 70}});
      },
      few_ways());
}

TEST(PlaceWithHeight, FillsOneExpertWithTheFirstTokens) {
  expect_right([] {
    const Case c = {.tokens = 150, .top_k = 1, .experts = 3, .height = 100};
    return place(c, std::vector<std::int32_t>(150, 1));
  });
}

}  // namespace
}  // namespace moe::cuda
