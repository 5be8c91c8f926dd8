// A plain layer on the host in double precision, what rounding may do to each of its values, and a
// strategy run beside it.
#pragma once
#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include "kernels/contract/strategy.h"
#include "kernels/cuda/detail/device.h"
#include "kernels/cuda/detail/numbers.cuh"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"
#include "kernels/cuda/detail/weights.h"

namespace moe::cuda::testing {

// ---- a problem ---------------------------------------------------------------------------------

inline float round_to(float x, DType dtype) {
  switch (dtype) {
    case DType::kBf16:
    case DType::kE4m3:  // tokens; weights are handled apart
    case DType::kInt8:
    case DType::kInt4:
      return __bfloat162float(__float2bfloat16_rn(x));
    case DType::kF16:
      return __half2float(__float2half_rn(x));
    case DType::kTf32: {
      std::uint32_t bits;
      std::memcpy(&bits, &x, 4);
      bits = (bits + 0x1000) & 0xffffe000u;  // ties away from zero
      std::memcpy(&x, &bits, 4);
      return x;
    }
    case DType::kF32:
      break;
  }
  return x;
}

// Multiples of 1/16 up to 7/16: exact in every dtype, e4m3 too, whatever its scale.
inline std::vector<float> some_weights(Numbers& numbers, std::int64_t rows, std::int64_t columns) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    const int x = i % columns == 0 ? 7 : numbers.below(15) - 7;  // 448 = 7 * 2^6
    values.push_back(static_cast<float>(x) / 16);
  }
  return values;
}

struct Host {
  MoeShape shape;
  ExpertWeights weights;
  std::vector<float> x, logits;  // [T, H], [T, E]

  Host(const MoeShape& s, bool one_expert) : shape(s) {
    Numbers numbers(23);
    weights.gate = some_weights(numbers, s.experts * s.ffn, s.hidden);
    weights.up = some_weights(numbers, s.experts * s.ffn, s.hidden);
    weights.down = some_weights(numbers, s.experts * s.hidden, s.ffn);
    x = numbers.floats(s.tokens * s.hidden);
    for (float& v : x) v = round_to(v, s.dtype);
    logits = numbers.floats(s.tokens * s.experts);
    for (std::int64_t t = 0; t < s.tokens && one_expert; ++t) logits[t * s.experts + 2] = 3;
  }
};

// ---- the naive layer, and what rounding may do to it -------------------------------------------

struct Value {
  double value = 0, error = 0;
};

// The relative error of one rounding: 2^-p for p significant bits.
inline double unit_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kInt8:
    case DType::kInt4:  // no strategy here computes it
      return std::ldexp(1.0, -24);
    case DType::kTf32:
    case DType::kF16:
      return std::ldexp(1.0, -11);
    case DType::kBf16:
      return std::ldexp(1.0, -8);
    case DType::kE4m3:
      return std::ldexp(1.0, -4);
  }
  return 0;
}

// Sums in f32 in any order; tensor cores may cut instead of rounding, hence the 2.
inline constexpr double kSumUnit = 2.0 / 16777216;

// One row times one column. `input`: relative error of every element of a.
inline Value dot(const std::vector<Value>& a, const float* b) {
  double sum = 0, magnitude = 0, inherited = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += a[i].value * b[i];
    magnitude += std::fabs(a[i].value * b[i]);
    inherited += a[i].error * std::fabs(b[i]);
  }
  return {sum, static_cast<double>(a.size() + 2) * kSumUnit * magnitude + inherited};
}

// A value stored in `dtype`; e4m3 with a scale of most / 448, so small ones lose absolutely.
inline void store(Value& v, DType dtype, double most) {
  v.error += unit_of(dtype) * (std::fabs(v.value) + v.error) + 1e-30;
  if (dtype == DType::kE4m3) v.error += most / 448 * std::ldexp(1.0, -9);
  if (dtype == DType::kF16) v.error += std::ldexp(1.0, -25);  // its subnormals
}

inline double most_of(const std::vector<Value>& row) {
  double most = 0;
  for (const Value& v : row) most = std::max(most, std::fabs(v.value) + v.error);
  return most;
}

inline std::vector<Value> expert_row(const Host& host, std::int64_t token, std::int32_t e) {
  const MoeShape& s = host.shape;
  const DType between = s.dtype == DType::kE4m3 ? DType::kBf16 : s.dtype;
  std::vector<Value> x(s.hidden), h(s.ffn), row(s.hidden);
  for (std::int64_t i = 0; i < s.hidden; ++i) x[i].value = host.x[token * s.hidden + i];
  if (s.dtype == DType::kE4m3) {
    const double most = most_of(x);
    for (Value& v : x) store(v, DType::kE4m3, most);
  }
  for (std::int64_t f = 0; f < s.ffn; ++f) {
    const Value gate = dot(x, &host.weights.gate[(e * s.ffn + f) * s.hidden]);
    const Value up = dot(x, &host.weights.up[(e * s.ffn + f) * s.hidden]);
    const double silu = gate.value / (1 + std::exp(-gate.value));
    // |silu'| < 1.1, and the function itself is off by some units of f32.
    const double silu_error = 1.1 * gate.error + 16 * kSumUnit * std::fabs(silu);
    h[f] = {silu * up.value,
            silu_error * (std::fabs(up.value) + up.error) + std::fabs(silu) * up.error};
    store(h[f], between, 0);
  }
  if (s.dtype == DType::kE4m3) {
    const double most = most_of(h);
    for (Value& v : h) store(v, DType::kE4m3, most);
  }
  for (std::int64_t j = 0; j < s.hidden; ++j) {
    row[j] = dot(h, &host.weights.down[(e * s.hidden + j) * s.ffn]);
    store(row[j], s.dtype == DType::kTf32 ? DType::kF32 : between, 0);
  }
  return row;
}

// ---- routing -----------------------------------------------------------------------------------

inline std::vector<double> softmax(const Host& host, std::int64_t t) {
  const std::int64_t e = host.shape.experts;
  std::vector<double> p(host.logits.begin() + t * e, host.logits.begin() + (t + 1) * e);
  const double most = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& x : p) sum += x = std::exp(x - most);
  for (double& x : p) x /= sum;
  return p;
}

// All indices, the one with the highest key first; ties to the lower one.
inline std::vector<std::int32_t> by_key(const std::vector<double>& key) {
  std::vector<std::int32_t> order(key.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return key[a] > key[b]; });
  return order;
}

using Choices = std::vector<std::vector<std::int32_t>>;  // experts of each token, best first

// All first choices are served before any second.
inline Choices token_choice(const Host& host, std::int64_t tokens, std::int64_t room) {
  Choices all(tokens), kept(tokens);
  for (std::int64_t t = 0; t < tokens; ++t) all[t] = by_key(softmax(host, t));
  std::vector<std::int64_t> used(host.shape.experts, 0);
  for (std::int64_t k = 0; k < host.shape.top_k; ++k) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      if (used[all[t][k]]++ < room) kept[t].push_back(all[t][k]);
    }
  }
  return kept;
}

inline Choices expert_choice_of(const Host& host, std::int64_t tokens, std::int64_t takes) {
  Choices taken(tokens);
  std::vector<std::vector<double>> p(host.shape.experts, std::vector<double>(tokens));
  for (std::int64_t t = 0; t < tokens; ++t) {
    const auto of_token = softmax(host, t);
    for (std::int64_t e = 0; e < host.shape.experts; ++e) p[e][t] = of_token[e];
  }
  for (std::int32_t e = 0; e < host.shape.experts; ++e) {
    const auto order = by_key(p[e]);
    for (std::int64_t i = 0; i < takes; ++i) taken[order[i]].push_back(e);
  }
  for (std::int64_t t = 0; t < tokens; ++t) {
    std::stable_sort(taken[t].begin(), taken[t].end(),
                     [&](auto a, auto b) { return p[a][t] > p[b][t]; });
  }
  return taken;
}

inline Choices choices(const Host& host, const RoutingPolicy& policy, std::int64_t tokens) {
  MoeShape now = host.shape;
  now.tokens = tokens;
  if (const auto* capped = std::get_if<TokenChoiceCapped>(&policy)) {
    return token_choice(host, tokens, capacity(now, capped->factor, capped->rounding));
  }
  if (const auto* expert = std::get_if<ExpertChoice>(&policy)) {
    return expert_choice_of(host, tokens, capacity(now, expert->factor, expert->rounding));
  }
  return token_choice(host, tokens, tokens);
}

inline double weight_of(const Host& host, const RoutingPolicy& policy, std::int64_t t,
                        std::int32_t e) {
  const auto p = softmax(host, t);
  if (std::holds_alternative<ExpertChoice>(policy) || !host.shape.renormalize) return p[e];
  const auto order = by_key(p);
  double sum = 0;
  for (std::int64_t k = 0; k < host.shape.top_k; ++k) sum += p[order[k]];
  return p[e] / sum;
}

// ---- a run -------------------------------------------------------------------------------------

// Rows on the device that begin at multiples of 16 bytes, with padding nobody wrote.
template <class T>
struct DeviceRows {
  std::int64_t columns, stride;
  Buffer<T> memory;
  DeviceRows(const std::vector<T>& values, std::int64_t rows, std::int64_t cols)
      : columns(cols), stride((cols + 7) / 8 * 8), memory(rows * stride) {
    if (rows == 0) return;
    check(cudaMemcpy2DAsync(memory.data(), stride * sizeof(T), values.data(), cols * sizeof(T),
                            cols * sizeof(T), rows, cudaMemcpyHostToDevice, stream()));
  }
  MatrixView<const T> view(std::int64_t rows) const {
    return {memory.data(), rows, columns, stride};
  }
};

struct NoClock final : PhaseClock {
  void enter(std::string_view) override {}
};

inline std::vector<std::uint16_t> bits16(const Host& host) {
  std::vector<std::uint16_t> bits;
  for (const float x : host.x) {
    if (host.shape.dtype == DType::kF16) {
      bits.push_back(__half_as_ushort(__float2half_rn(x)));
    } else {
      bits.push_back(__bfloat16_as_ushort(__float2bfloat16_rn(x)));
    }
  }
  return bits;
}

inline std::string text(const char* what, std::int64_t t, std::int64_t j, double got, double want,
                        double bound) {
  return std::string(what).append(" [") + std::to_string(t) + ", " + std::to_string(j) + "] is " +
         std::to_string(got) + " instead of " + std::to_string(want) + ", bound " +
         std::to_string(bound);
}

inline std::string check_routing(const Host& host, const RoutingPolicy& policy,
                                 const Routing& routing, const Choices& want) {
  if (routing.tokens() != static_cast<std::int64_t>(want.size())) return "other tokens are routed";
  for (std::int64_t t = 0; t < routing.tokens(); ++t) {
    const std::int64_t n = routing.offsets[t + 1] - routing.offsets[t];
    if (n != static_cast<std::int64_t>(want[t].size())) {
      return text("experts", t, 0, static_cast<double>(n), static_cast<double>(want[t].size()), 0);
    }
    for (std::int64_t k = 0; k < n; ++k) {
      const std::int64_t a = routing.offsets[t] + k;
      if (routing.expert[a] != want[t][k])
        return text("expert", t, k, routing.expert[a], want[t][k], 0);
      const double weight = weight_of(host, policy, t, want[t][k]);
      const double bound = 40 * kSumUnit * weight;
      if (!(std::fabs(routing.weight[a] - weight) <= bound)) {
        return text("weight", t, k, routing.weight[a], weight, bound);
      }
    }
  }
  return {};
}

inline std::string check_values(const Host& host, const Routing& routing,
                                const std::vector<float>& y, std::int64_t stride) {
  for (std::int64_t t = 0; t < routing.tokens(); ++t) {
    std::vector<Value> sum(host.shape.hidden);
    for (std::int32_t a = routing.offsets[t]; a < routing.offsets[t + 1]; ++a) {
      const auto row = expert_row(host, t, routing.expert[a]);
      for (std::int64_t j = 0; j < host.shape.hidden; ++j) {
        const double term = routing.weight[a] * row[j].value;
        sum[j].value += term;
        sum[j].error += routing.weight[a] * row[j].error +
                        static_cast<double>(host.shape.top_k + 2) * kSumUnit * std::fabs(term);
      }
    }
    for (std::int64_t j = 0; j < stride; ++j) {
      const float got = y[t * stride + j];
      if (j >= host.shape.hidden) {
        if (!std::isnan(got)) return text("padding", t, j, got, 0, 0);
        continue;
      }
      if (!(std::fabs(got - sum[j].value) <= sum[j].error)) {
        return text("y", t, j, got, sum[j].value, sum[j].error);
      }
    }
  }
  return {};
}

struct LayerCase {
  MoeShape shape;
  std::vector<std::int64_t> batches;  // tokens of one run after another
  bool one_expert = false;
  bool recorded = false;  // launched twice from a recording where that is promised
};

inline std::string run_or_record(const StrategyInfo& info, const LayerCase& c,
                                 const std::function<void()>& work) {
  if (!c.recorded) {
    work();
    return {};
  }
  const auto recording = device().record(work);
  if ((recording != nullptr) != info.execution.graph) return "recording is not as promised";
  if (!recording) work();
  for (int i = 0; i < 2 && recording; ++i) recording->launch();
  return {};
}

inline std::string run_layer(const StrategyInfo& info, const LayerCase& c) {
  const Host host(c.shape, c.one_expert);
  const MoeShape& s = host.shape;
  const DeviceRows<float> x(host.x, s.tokens, s.hidden), logits(host.logits, s.tokens, s.experts);
  const DeviceRows<std::uint16_t> x16(bits16(host), s.tokens, s.hidden);
  const bool narrow = s.dtype != DType::kF32 && s.dtype != DType::kTf32;
  const auto strategy = info.make();
  strategy->prepare({.shape = s, .weights = &host.weights, .knobs = {}});
  const RoutingPolicy policy = info.policy({});
  for (const std::int64_t tokens : c.batches) {
    const std::int64_t stride = (s.hidden + 7) / 8 * 8;
    const Buffer<float> y(std::max<std::int64_t>(1, tokens * stride));
    check(cudaMemsetAsync(y.data(), 0xFF, y.bytes(), stream()));  // NaN
    NoClock clock;
    const Batch batch{.x = x.view(tokens),
                      .logits = logits.view(tokens),
                      .x16 = narrow ? x16.view(tokens) : MatrixView<const std::uint16_t>{}};
    const std::string refused = run_or_record(info, c, [&] {
      strategy->run(batch, {y.data(), tokens, s.hidden, stride}, clock);
    });
    if (!refused.empty()) return refused;
    const Dispatch dispatch = strategy->read_back();
    std::vector<float> got(tokens * stride);
    check(cudaMemcpyAsync(got.data(), y.data(), got.size() * 4, cudaMemcpyDeviceToHost, stream()));
    check(cudaStreamSynchronize(stream()));
    const std::string wrong = simt::cuda_tests::first_of(
        {check_routing(host, policy, dispatch.routing, choices(host, policy, tokens)),
         check_values(host, dispatch.routing, got, stride)});
    if (!wrong.empty())
      return std::string(info.name) + ", " + std::to_string(tokens) + " tokens: " + wrong;
    if (dispatch.rows_computed < dispatch.routing.assignments())
      return "fewer rows than assignments";
  }
  return {};
}

}  // namespace moe::cuda::testing
