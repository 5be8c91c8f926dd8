#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"
#include "kernels/cuda/routing/routing.h"

namespace moe::cuda {
namespace {

using simt::cuda_tests::few_ways;
using simt::cuda_tests::first_of;
using simt::cuda_tests::kFloatUnit;
using simt::cuda_tests::near;
using simt::cuda_tests::same;
using testing::DeviceArray;
using testing::expect_right;
using testing::Numbers;

struct Case {
  int tokens, experts, takes;
  int padding = 0;  // columns of NaN after each row
};

// The probabilities [E, T] in double, with the judge's bound, next to those of the device.
std::string probabilities(const Case& c, const std::vector<float>& logits,
                          const std::vector<float>& got) {
  std::vector<double> want(got.size()), bound(got.size());
  for (int t = 0; t < c.tokens; ++t) {
    const float* row = logits.data() + static_cast<std::size_t>(t) * c.experts;
    const auto [low, high] = std::minmax_element(row, row + c.experts);
    const double most = *high, range = most - *low;
    double sum = 0;
    for (int e = 0; e < c.experts; ++e) sum += std::exp(row[e] - most);
    for (int e = 0; e < c.experts; ++e) {
      const auto i = static_cast<std::size_t>(e) * c.tokens + t;
      want[i] = std::exp(row[e] - most) / sum;
      bound[i] =
          want[i] * kFloatUnit * (2 * range + c.experts + 6) + std::numeric_limits<float>::min();
    }
  }
  return near(got, want, bound, "probability");
}

// What the experts take of exactly these probabilities.
std::vector<std::int32_t> tokens_taken(const Case& c, const std::vector<float>& probability) {
  std::vector<std::int32_t> taken;
  for (int e = 0; e < c.experts; ++e) {
    const float* p = probability.data() + static_cast<std::size_t>(e) * c.tokens;
    std::vector<std::int32_t> order(static_cast<std::size_t>(c.tokens));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return p[a] > p[b]; });
    std::sort(order.begin(), order.begin() + c.takes);
    taken.insert(taken.end(), order.begin(), order.begin() + c.takes);
  }
  return taken;
}

std::string lists(const Case& c, DeviceArray<std::int32_t>& token) {
  const std::vector<std::int32_t> taken = token.get();
  std::vector<std::int32_t> want_begin{0}, want;
  for (int t = 0; t < c.tokens; ++t) {
    for (std::size_t s = 0; s < taken.size(); ++s) {
      if (taken[s] == t) want.push_back(static_cast<std::int32_t>(s));
    }
    want_begin.push_back(static_cast<std::int32_t>(want.size()));
  }
  DeviceArray<std::int32_t> begin(want_begin.size()), slot_of(want.size());
  list_slots_by_token(token, static_cast<std::int64_t>(taken.size()), c.tokens, begin, slot_of,
                      stream());
  check(cudaStreamSynchronize(stream()));
  return first_of(
      {same(begin.get(), want_begin, "list's begin"), same(slot_of.get(), want, "slot in a list")});
}

std::string select(const Case& c, const std::vector<float>& logits) {
  const std::size_t stride = c.experts + c.padding;
  std::vector<float> padded(c.tokens * stride, std::nanf(""));
  for (int t = 0; t < c.tokens; ++t) {
    std::copy_n(logits.begin() + static_cast<std::ptrdiff_t>(t) * c.experts, c.experts,
                padded.begin() + static_cast<std::ptrdiff_t>(t * stride));
  }
  DeviceArray<float> on_device(padded), probability(static_cast<std::size_t>(c.experts) * c.tokens);
  const std::size_t slots = static_cast<std::size_t>(c.experts) * c.takes;
  DeviceArray<std::int32_t> token(slots);
  DeviceArray<float> weight(slots);
  select_for_experts({.logits = on_device,
                      .logits_stride = static_cast<std::int64_t>(stride),
                      .tokens = c.tokens,
                      .experts = c.experts,
                      .takes = c.takes,
                      .probability = probability,
                      .token = token,
                      .weight = weight},
                     stream());
  check(cudaStreamSynchronize(stream()));
  const std::vector<float> p = probability.get();
  const std::vector<std::int32_t> want = tokens_taken(c, p);
  std::vector<float> want_weight(slots);
  for (std::size_t s = 0; s < slots; ++s) want_weight[s] = p[s / c.takes * c.tokens + want[s]];
  const std::string wrong = first_of({probabilities(c, logits, p), same(token.get(), want, "token"),
                                      same(weight.get(), want_weight, "weight"), lists(c, token)});
  if (wrong.empty()) return {};
  return "T=" + std::to_string(c.tokens) + " E=" + std::to_string(c.experts) +
         " takes=" + std::to_string(c.takes) + ": " + wrong;
}

std::vector<float> random_logits(const Case& c, float scale) {
  auto logits = Numbers(c.tokens).floats(static_cast<std::size_t>(c.tokens) * c.experts);
  for (float& x : logits) x *= scale;
  return logits;
}

std::string select_all(const std::vector<Case>& cases, float scale) {
  for (const Case& c : cases) {
    if (const auto wrong = select(c, random_logits(c, scale)); !wrong.empty()) return wrong;
  }
  return {};
}

TEST(ExpertChoiceSelect, IsTheHostsInEveryOrder) {
  expect_right([] {
    return select_all({{1, 1, 1}, {2, 3, 1}, {17, 8, 4}, {40, 7, 12, 1}, {127, 2, 60}}, 4);
  });
}

TEST(ExpertChoiceSelect, TakesAllTokensOrOne) {
  expect_right([] { return select_all({{33, 3, 33}, {33, 3, 1}}, 4); });
}

TEST(ExpertChoiceSelect, IsTheHostsForManyExpertsAndTokens) {
  expect_right(
      [] {
        return select_all(
            {{129, 60, 30}, {1000, 8, 250}, {1100, 3, 400}, {15, 128, 1}, {40, 300, 1}}, 4);
      },
      few_ways());
}

// So many that a block turns round several tiles of experts, one after the other.
TEST(ExpertChoiceSelect, IsTheHostsWhereEveryMultiprocessorIsBusy) {
  expect_right([] { return select_all({{1000, 160, 9}}, 4); }, {{}});
}

// Rows that repeat: equal probabilities at and around the last that is taken.
TEST(ExpertChoiceSelect, GivesTiesToTheLowerToken) {
  expect_right([] {
    const Case c = {.tokens = 150, .experts = 4, .takes = 70};
    std::vector<float> logits;
    Numbers numbers(5);
    for (int t = 0; t < c.tokens; ++t) {
      const auto kind = static_cast<float>(numbers.below(3));
      logits.insert(logits.end(), {kind, 1, -0.0f, 2 - kind});
    }
    return first_of({select(c, logits), select(c, std::vector<float>(600, 1.0f))});
  });
}

// Most probabilities vanish, and the last ones taken are zeros.
TEST(ExpertChoiceSelect, TakesProbabilitiesThatAreZero) {
  expect_right([] { return select_all({{60, 5, 50}}, 2000); });
}

TEST(ExpertChoiceSelect, LeavesNoTokensAlone) {
  expect_right([] {
    DeviceArray<std::int32_t> begin(1);
    select_for_experts({.tokens = 0, .experts = 4, .takes = 0}, stream());
    list_slots_by_token(nullptr, 0, 0, begin, nullptr, stream());
    check(cudaStreamSynchronize(stream()));
    return same(begin.get(), {0}, "list's begin");
  });
}

// Every expert takes the same token: lists longer than a warp.
TEST(ListSlotsByToken, OrdersLongLists) {
  expect_right([] {
    std::vector<std::int32_t> token(200, 2);
    token.insert(token.end(), {0, 0, 3, 4});
    DeviceArray<std::int32_t> on_device(token);
    return lists({.tokens = 6, .experts = 0, .takes = 0}, on_device);
  });
}

}  // namespace
}  // namespace moe::cuda
