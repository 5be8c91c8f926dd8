// The kernels around an expert layer, against plain loops.
#include <algorithm>
#include <numeric>

#include "harness/simt/cuda_tests/kernels/routing.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::routing {
namespace {

constexpr int kTokens = 13, kExperts = 64, kTopK = 4, kHidden = 72;

std::string softmax_top_k() {
  const std::vector<float> logits = Numbers(1).floats(kTokens * kExperts);
  DeviceArray<float> x(logits), weights(kTokens * kTopK);
  DeviceArray<int> experts(kTokens * kTopK);
  kernels::softmax_top_k<kExperts, kTopK><<<4, 128>>>(x, kTokens, weights, experts);
  finish_launch();

  std::vector<int> want_experts;
  std::vector<double> want_weights, bound(kTokens * kTopK, 2e-6);
  for (int t = 0; t < kTokens; ++t) {
    const float* row = &logits[t * kExperts];
    std::vector<int> order(kExperts);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int i, int j) { return row[i] > row[j]; });
    double sum = 0;
    for (int k = 0; k < kTopK; ++k) sum += std::exp(double{row[order[k]]});
    for (int k = 0; k < kTopK; ++k) {
      want_experts.push_back(order[k]);
      want_weights.push_back(std::exp(double{row[order[k]]}) / sum);
    }
  }
  return first_of({same(experts.get(), want_experts, "expert"),
                   near(weights.get(), want_weights, bound, "weight")});
}

std::string histogram() {
  const std::vector<int> ids = Numbers(2).integers(700, 64);
  DeviceArray<int> x(ids);
  auto counts = DeviceArray<int>::zeros(64);
  kernels::histogram<64><<<3, 128>>>(x, 700, counts);
  finish_launch();
  std::vector<int> want(64);
  for (int id : ids) ++want[id];
  return same(counts.get(), want, "count");
}

// Rows in each expert's segment may come in any order, but each exactly once.
std::string permute_index() {
  constexpr int kIds = 300, kOf = 8;
  const std::vector<int> ids = Numbers(3).integers(kIds, kOf);
  std::vector<int> begin(kOf + 1);
  for (int id : ids) ++begin[id + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  DeviceArray<int> x(ids), next(std::vector<int>(begin.begin(), begin.end() - 1)), rows(kIds);
  kernels::permute_index<<<3, 128>>>(x, kIds, next, rows);
  finish_launch();
  const std::vector<int> got = rows.get();
  std::vector<int> taken(kIds);
  for (int i = 0; i < kIds; ++i) {
    if (got[i] < begin[ids[i]] || got[i] >= begin[ids[i] + 1]) return "a row outside its segment";
    ++taken[got[i]];
  }
  return same(taken, std::vector<int>(kIds, 1), "times taken");
}

std::vector<int> shuffled_rows(int count) {
  std::vector<int> rows(count);
  for (int i = 0; i < count; ++i)
    rows[i] = static_cast<int>(i * 7ll % count);  // 7 and count coprime
  return rows;
}

std::string gather_rows() {
  const std::vector<__nv_bfloat16> x = Numbers(4).bfloats(kTokens * kHidden);
  const std::vector<int> row_of = shuffled_rows(kTokens * kTopK);
  DeviceArray<__nv_bfloat16> dx(x), gathered(kTokens * kTopK * kHidden);
  DeviceArray<int> rows(row_of);
  kernels::gather_rows<kTopK><<<kTokens, 64>>>(dx, rows, kHidden, gathered);
  finish_launch();
  const std::vector<__nv_bfloat16> got = gathered.get();
  for (int i = 0; i < kTokens * kTopK; ++i) {
    for (int h = 0; h < kHidden; ++h) {
      if (!(to_double(got[row_of[i] * kHidden + h]) == to_double(x[i / kTopK * kHidden + h]))) {
        return "a wrong element in row " + std::to_string(row_of[i]);
      }
    }
  }
  return {};
}

std::string combine() {
  const std::vector<float> y = Numbers(5).floats(kTokens * kTopK * kHidden);
  const std::vector<float> weights = Numbers(6).floats(kTokens * kTopK);
  const std::vector<int> row_of = shuffled_rows(kTokens * kTopK);
  DeviceArray<float> dy(y), dw(weights), out(kTokens * kHidden);
  DeviceArray<int> rows(row_of);
  kernels::combine<kTopK><<<kTokens, 64>>>(reinterpret_cast<const float4*>(dy.data()), rows, dw,
                                           kHidden, reinterpret_cast<float4*>(out.data()));
  finish_launch();
  std::vector<double> want, bound;
  for (int t = 0; t < kTokens; ++t) {
    for (int h = 0; h < kHidden; ++h) {
      double sum = 0, magnitude = 0;
      for (int k = 0; k < kTopK; ++k) {
        const double term = double{weights[t * kTopK + k]} * y[row_of[t * kTopK + k] * kHidden + h];
        sum += term;
        magnitude += std::fabs(term);
      }
      want.push_back(sum);
      bound.push_back(2 * kTopK * kFloatUnit * magnitude);
    }
  }
  return near(out.get(), want, bound);
}

std::string swiglu() {
  constexpr int kRows = 9, kInner = 48;
  const std::vector<__nv_bfloat16> h = Numbers(7).bfloats(kRows * 2 * kInner);
  DeviceArray<__nv_bfloat16> dh(h), out(kRows * kInner);
  kernels::swiglu<<<2, 64>>>(reinterpret_cast<const __nv_bfloat162*>(dh.data()), kRows, kInner,
                             reinterpret_cast<__nv_bfloat162*>(out.data()));
  finish_launch();
  std::vector<double> got, want, bound;
  for (__nv_bfloat16 v : out.get()) got.push_back(to_double(v));
  for (int r = 0; r < kRows; ++r) {
    for (int i = 0; i < kInner; ++i) {
      const double gate = to_double(h[r * 2 * kInner + i]);
      want.push_back(gate / (1 + std::exp(-gate)) * to_double(h[r * 2 * kInner + kInner + i]));
      bound.push_back(std::fabs(want.back()) * (1.0 / 256 + 1e-5) + 1e-30);  // one rounding to bf16
    }
  }
  return near(got, want, bound);
}

}  // namespace

Cases cases() {
  return {{"SoftmaxTopK", {}, {}, softmax_top_k},
          {"Histogram", {}, {}, histogram},
          {"PermuteIndex", {}, {}, permute_index},
          {"GatherRows", {}, {}, gather_rows},
          {"Combine", {}, {}, combine},
          {"SwiGlu", {}, {}, swiglu}};
}

}  // namespace moe::simt::cuda_tests::routing
