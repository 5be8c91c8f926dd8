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
  int experts = 8, top_k = 2;
  std::int64_t tokens = 5;
  Scores scores = Scores::kSoftmax;
  bool renormalize = true;
  int padding = 0;  // columns of NaN after each row
};

struct Answer {
  std::vector<std::int32_t> expert;
  std::vector<double> weight, bound;
};

// The same in double, plainly. The bound of a softmax weight is the one the judge holds it to; that
// of a sigmoid counts, in units of roundoff: 4 an exponential (2 ulp), of which half can reach
// e / (1 + e), and 1 for the rounding of its argument times its size; 1 + 1 for the sum and the
// division; twice all that and the K - 1 additions and a division where weights are brought to 1.
void answer_row(const Case& c, const float* logits, Answer& out) {
  std::vector<int> order(static_cast<std::size_t>(c.experts));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return logits[a] > logits[b]; });
  const double most = logits[order[0]], range = most - logits[order.back()];
  const bool sigmoid = c.scores == Scores::kSigmoid;
  const double scale = c.renormalize ? std::min(most, 0.0) : 0.0;
  std::vector<double> score;
  for (const int e : order) {
    const double x = logits[e];
    // Where x is very negative, 1 + exp(x) is 1, and the scaling keeps the rest from vanishing.
    score.push_back(sigmoid ? std::exp(std::min(x, 0.0) - scale) / (1 + std::exp(-std::fabs(x)))
                            : std::exp(x - most));
  }
  const auto last = c.renormalize ? score.begin() + c.top_k : score.end();
  const double sum = sigmoid && !c.renormalize ? 1.0 : std::accumulate(score.begin(), last, 0.0);
  const double of_sigmoid = c.renormalize ? 2 * (range + 8) + c.top_k : 8;
  const double units = sigmoid ? of_sigmoid : 2 * range + c.experts + 6;
  for (int k = 0; k < c.top_k; ++k) {
    out.expert.push_back(order[k]);
    out.weight.push_back(score[k] / sum);
    // Below the smallest normal float a relative error means nothing.
    out.bound.push_back(units * kFloatUnit * score[k] / sum + std::numeric_limits<float>::min());
  }
}

std::string run(const Case& c, const std::vector<float>& logits) {
  const std::int64_t stride = c.experts + c.padding;
  std::vector<float> padded(static_cast<std::size_t>(c.tokens * stride), std::nanf(""));
  Answer want;
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    std::copy_n(logits.begin() + t * c.experts, c.experts, padded.begin() + t * stride);
    answer_row(c, logits.data() + t * c.experts, want);
  }
  DeviceArray<float> on_device(padded);
  const auto outputs = static_cast<std::size_t>(c.tokens * c.top_k);
  DeviceArray<std::int32_t> expert(outputs);
  DeviceArray<float> weight(outputs);
  select_top_k({.logits = on_device,
                .logits_stride = stride,
                .tokens = c.tokens,
                .experts = c.experts,
                .top_k = c.top_k,
                .scores = c.scores,
                .renormalize = c.renormalize,
                .expert = expert,
                .weight = weight},
               stream());
  check(cudaStreamSynchronize(stream()));
  const std::string wrong = first_of({same(expert.get(), want.expert, "expert"),
                                      near(weight.get(), want.weight, want.bound, "weight")});
  if (wrong.empty()) return {};
  return "E=" + std::to_string(c.experts) + " K=" + std::to_string(c.top_k) +
         " T=" + std::to_string(c.tokens) + ": " + wrong;
}

std::vector<float> random_logits(const Case& c, float scale, std::uint64_t seed = 1) {
  std::vector<float> logits = Numbers(seed).floats(static_cast<std::size_t>(c.tokens * c.experts));
  for (float& x : logits) x *= scale;
  return logits;
}

// Few different values, both zeros among them.
std::vector<float> logits_with_ties(const Case& c) {
  const float values[] = {-1.0f, -0.0f, 0.0f, 0.5f};
  std::vector<float> logits;
  Numbers numbers(3);
  for (std::int64_t i = 0; i < c.tokens * c.experts; ++i)
    logits.push_back(values[numbers.below(4)]);
  return logits;
}

constexpr int kExperts[] = {1, 2, 3, 7, 8, 16, 32, 60, 64, 100, 128, 256, 384, 512, 1000, 1024};

// Every number of experts with each K that it allows.
std::string all_sizes(std::int64_t tokens, int padding,
                      const std::function<std::vector<float>(const Case&)>& logits_of) {
  for (const int experts : kExperts) {
    int done = 0;
    for (const int wanted : {1, 2, 8, 32}) {
      Case c = {.experts = experts, .top_k = std::min(wanted, experts), .tokens = tokens};
      if (c.top_k == done) continue;
      done = c.top_k;
      c.padding = padding;
      if (const auto wrong = run(c, logits_of(c)); !wrong.empty()) return wrong;
    }
  }
  return {};
}

TEST(TopK, IsTheHostsForEveryNumberOfExperts) {
  expect_right([] { return all_sizes(3, 0, [](const Case& c) { return random_logits(c, 8); }); },
               few_ways());
}

TEST(TopK, ReadsRowsThatCannotBeReadInVectors) {
  expect_right([] { return all_sizes(2, 1, [](const Case& c) { return random_logits(c, 8); }); },
               few_ways());
}

TEST(TopK, GivesTiesToTheLowerExpertAndTakesBothZerosForOne) {
  expect_right([] { return all_sizes(2, 0, logits_with_ties); }, few_ways());
}

TEST(TopK, TakesTheFirstExpertsWhereAllAreEqual) {
  expect_right([] {
    for (const int experts : {7, 8, 64, 128, 512}) {
      const Case c = {.experts = experts, .top_k = 7, .tokens = 2};
      const std::vector<float> zeros(static_cast<std::size_t>(2 * experts), -0.0f);
      if (const auto wrong = run(c, zeros); !wrong.empty()) return wrong;
    }
    return std::string();
  });
}

TEST(TopK, IsTheHostsForEveryNumberOfTokens) {
  expect_right(
      [] {
        for (const std::int64_t tokens : {0, 1, 2, 15, 17, 127, 129, 1000}) {
          for (const int experts : {3, 8, 16, 32, 64, 128}) {
            if (tokens == 1000 && experts > 8) continue;
            const Case c = {.experts = experts, .top_k = 2, .tokens = tokens};
            if (const auto wrong = run(c, random_logits(c, 4)); !wrong.empty()) return wrong;
          }
        }
        return std::string();
      },
      few_ways());
}

constexpr Case kEachKind[] = {
    {.experts = 8, .top_k = 8, .tokens = 19, .renormalize = false},
    {.experts = 16, .top_k = 2, .tokens = 9, .padding = 4},
    {.experts = 60, .top_k = 4, .tokens = 5, .renormalize = false},
    {.experts = 128, .top_k = 8, .tokens = 5, .scores = Scores::kSigmoid},
    {.experts = 256, .top_k = 8, .tokens = 3, .scores = Scores::kSigmoid, .renormalize = false},
    {.experts = 384, .top_k = 8, .tokens = 3, .renormalize = false, .padding = 4},
    {.experts = 7, .top_k = 3, .tokens = 5, .renormalize = false, .padding = 2},
};

TEST(TopK, IsRightInEveryOrder) {
  expect_right([] {
    for (const Case& c : kEachKind) {
      if (const auto wrong = run(c, random_logits(c, 8)); !wrong.empty()) return wrong;
    }
    return std::string();
  });
}

// 3e38: the difference of two logits is infinite. 600: sigmoids and exponentials vanish.
TEST(TopK, WeighsLogitsOfAnySize) {
  expect_right(
      [] {
        for (const float scale : {1e-30f, 90.0f, 600.0f, 3e38f}) {
          for (Case c : kEachKind) {
            for (const Scores scores : {Scores::kSoftmax, Scores::kSigmoid}) {
              c.scores = scores;
              if (const auto wrong = run(c, random_logits(c, scale)); !wrong.empty()) return wrong;
            }
          }
        }
        return std::string();
      },
      few_ways());
}

TEST(TopK, BringsSigmoidsToTheSumOneThatAllVanishInF32) {
  expect_right([] {
    const Case c = {.experts = 8, .top_k = 2, .tokens = 1, .scores = Scores::kSigmoid};
    return run(c, {-200, -300, -201, -250, -202, -900, -220, -230});
  });
}

}  // namespace
}  // namespace moe::cuda
