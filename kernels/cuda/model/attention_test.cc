#include "kernels/cuda/model/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"

namespace moe::cuda {
namespace {

using testing::DeviceArray;
using testing::expect_right;
using testing::Numbers;
constexpr double kUnit = simt::cuda_tests::kFloatUnit;

struct Case {
  int heads, kv_heads, head_dim, batch, steps, past;
  std::vector<std::vector<std::uint8_t>> visible;  // [batch][past + steps]; empty: all
  bool rounded = false;
};

struct Truth {
  std::vector<double> value, bound;
};

// One query in double. The bound follows the kernel: a score is off by (d + 2) u sum |q k|, what
// exp makes of that and of its own 2 ulp is a relative error of each weight, each of the tiles
// may scale it again, and n terms are added above and below the line.
void attend(const float* q, const float* keys, const float* values, int d, int last,
            const std::vector<std::uint8_t>& visible, Truth& out) {
  const int n = static_cast<int>(visible.size());
  const double root = std::sqrt(static_cast<double>(d));
  std::vector<double> weight(static_cast<std::size_t>(n), 0.0), score = weight;
  double most = -INFINITY, least = INFINITY, score_off = 0;
  for (int j = 0; j <= last; ++j) {
    if (visible[static_cast<std::size_t>(j)] == 0) continue;
    double sum = 0, size = 0;
    for (int i = 0; i < d; ++i) {
      sum += double{q[i]} * keys[j * d + i];
      size += std::fabs(double{q[i]} * keys[j * d + i]);
    }
    score[static_cast<std::size_t>(j)] = sum / root;
    most = std::max(most, sum / root);
    least = std::min(least, sum / root);
    score_off = std::max(score_off, (d + 2) * kUnit * size / root);
  }
  double all = 0;
  for (int j = 0; j < n; ++j) {
    const bool seen = j <= last && visible[static_cast<std::size_t>(j)] != 0;
    double& w = weight[static_cast<std::size_t>(j)];
    if (most == -INFINITY) w = 1;  // sees nothing: the mean
    if (most != -INFINITY && seen) w = std::exp(score[static_cast<std::size_t>(j)] - most);
    all += w;
  }
  const double tiles = (n + 31) / 32;
  const double spread = most == -INFINITY ? 0 : most - least;
  const double relative = 4 * score_off + kUnit * (2 * (tiles + 1) * (6 + spread) + 2 * n + 2);
  for (int i = 0; i < d; ++i) {
    double sum = 0, size = 0;
    for (int j = 0; j < n; ++j) {
      const double term = weight[static_cast<std::size_t>(j)] / all * values[j * d + i];
      sum += term, size += std::fabs(term);
    }
    out.value.push_back(sum);
    out.bound.push_back(relative * size);
  }
}

std::string run(const Case& c) {
  const int now = c.past + c.steps, capacity = now + 3, width = c.heads * c.head_dim;
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  Numbers numbers(5);
  const auto q = numbers.floats(size(c.batch * c.steps * width));
  std::vector<std::uint8_t> visible(size(c.batch * capacity), 1);
  std::vector<std::int32_t> first(size(c.batch), 0);
  // Places of the cache behind the newest token were never written: whoever reads them is found.
  const int rows = c.batch * c.kv_heads;
  DeviceArray<float> dq(q), keys(size(rows * capacity * c.head_dim)),
      values(size(rows * capacity * c.head_dim)), out(q.size());
  DeviceArray<__nv_bfloat16> out16(q.size());
  std::vector<std::vector<float>> key_rows, value_rows;
  for (int r = 0; r < rows; ++r) {
    key_rows.push_back(numbers.floats(size(now * c.head_dim)));
    value_rows.push_back(numbers.floats(size(now * c.head_dim)));
    const auto copy = [&](float* to, const std::vector<float>& from) {
      check(cudaMemcpy(to + r * capacity * c.head_dim, from.data(), from.size() * sizeof(float),
                       cudaMemcpyHostToDevice));
    };
    copy(keys, key_rows.back());
    copy(values, value_rows.back());
  }
  Truth truth;
  for (int b = 0; b < c.batch; ++b) {
    const auto seen =
        c.visible.empty() ? std::vector<std::uint8_t>(size(now), 1) : c.visible[size(b)];
    std::copy(seen.begin(), seen.end(), visible.begin() + b * capacity);
    first[size(b)] = static_cast<int>(std::find(seen.begin(), seen.end(), 1) - seen.begin());
    for (int s = 0; s < c.steps; ++s) {
      for (int n = 0; n < c.heads; ++n) {
        const int row = b * c.kv_heads + n / (c.heads / c.kv_heads);
        attend(q.data() + (b * c.steps + s) * width + n * c.head_dim, key_rows[size(row)].data(),
               value_rows[size(row)].data(), c.head_dim, c.past + s, seen, truth);
      }
    }
  }
  DeviceArray<std::uint8_t> dvisible(visible);
  DeviceArray<std::int32_t> dfirst(first);
  attention({dq,
             width,
             {keys, values, capacity},
             dvisible,
             dfirst,
             c.heads,
             c.kv_heads,
             c.head_dim,
             c.batch,
             c.steps,
             c.past,
             c.rounded ? nullptr : out.data(),
             c.rounded ? out16.data() : nullptr},
            stream());
  check(cudaStreamSynchronize(stream()));
  if (!c.rounded) return simt::cuda_tests::near(out.get(), truth.value, truth.bound);
  std::vector<float> got;
  for (const __nv_bfloat16 x : out16.get()) got.push_back(__bfloat162float(x));
  for (std::size_t i = 0; i < got.size(); ++i) {
    truth.bound[i] += 0x1p-8 * (std::fabs(truth.value[i]) + truth.bound[i]);
  }
  return simt::cuda_tests::near(got, truth.value, truth.bound);
}

TEST(Attention, OfAPromptIsCausal) {
  expect_right([] { return run({4, 2, 4, 2, 6, 0, {}}); });
}
TEST(Attention, OfOneNewTokenSeesTheWholeCache) {
  expect_right([] { return run({4, 2, 64, 2, 1, 40, {}}); });
}
TEST(Attention, OfSeveralBlocksOfRowsAndTilesOfKeys) {
  expect_right([] { return run({2, 1, 32, 1, 20, 50, {}}); });
}
TEST(Attention, OfTheWidestHeads) {
  expect_right([] { return run({2, 1, 128, 1, 9, 3, {}}); });
}
TEST(Attention, RoundsToBf16) {
  expect_right([] { return run({2, 2, 32, 1, 5, 2, {}, true}); });
}
TEST(Attention, OfHeadsThatFillNoWarp) {
  expect_right([] { return run({3, 1, 40, 1, 4, 33, {}}); });
}
// Padding tokens see nothing and take the mean of all values, as the published models do; padding
// between words is passed over.
TEST(Attention, DoesNotSeePadding) {
  expect_right([] { return run({4, 2, 4, 2, 6, 0, {{0, 0, 1, 1, 1, 1}, {1, 1, 0, 1, 1, 0}}}); });
}
TEST(Attention, OfPaddingAloneIsTheMeanOfMoreThanATile) {
  expect_right([] {
    std::vector<std::uint8_t> all(50, 0), late(50, 0);
    late[49] = 1;
    return run({1, 1, 8, 2, 50, 0, {all, late}});
  });
}

TEST(Attention, RefusesWiderHeads) {
  Attention wide;
  wide.heads = wide.kv_heads = wide.batch = 1;
  wide.steps = 1;
  wide.head_dim = 256;
  EXPECT_THROW(attention(wide, stream()), std::invalid_argument);
}

}  // namespace
}  // namespace moe::cuda
