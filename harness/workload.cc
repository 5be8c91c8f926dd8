#include "harness/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <numeric>
#include <span>

#include "harness/number_format.h"
#include "harness/random.h"
#include "harness/routing_generator.h"
#include "harness/selection.h"
#include "harness/trace.h"
#include "harness/workload_name.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

// n values in rows of fan_in, uniform with mean 0 and variance 1 / fan_in.
std::vector<float> uniform_weights(std::int64_t n, std::int64_t fan_in, DType dtype,
                                   std::uint64_t seed, Purpose purpose) {
  std::vector<float> v(static_cast<std::size_t>(n));
  const double half_width = std::sqrt(3.0 / static_cast<double>(fan_in));
#pragma omp parallel for schedule(static)
  for (std::int64_t block = 0; block < (n + 3) / 4; ++block) {
    const auto words = random_block(seed, purpose, block);
    for (std::int64_t i = 4 * block; i < std::min(n, 4 * block + 4); ++i) {
      const double centred = (static_cast<double>(words[i % 4]) + 0.5) * 0x1p-31 - 1;
      v[i] = static_cast<float>(half_width * centred);
    }
  }
  round_weights(dtype, v, fan_in);
  return v;
}

// E different multiples of 2^-22 in [-2, 2), in falling order.
std::vector<float> falling_logits(std::int64_t experts, Draws& draws) {
  std::vector<std::int64_t> v(static_cast<std::size_t>(experts));
  for (auto& i : v) i = draws.next32() >> 8;
  std::ranges::sort(v, std::greater{});
  for (std::size_t i = 1; i < v.size(); ++i) v[i] = std::min(v[i], v[i - 1] - 1);
  std::vector<float> g;
  for (const auto i : v) g.push_back(static_cast<float>(i - (1 << 23)) * 0x1p-22F);
  return g;
}

// Logits whose K largest are those of `ids`, in that order and without a tie: every policy and
// every tie rule finds the generated choice. [T, E]
std::vector<float> logits_for(const std::vector<std::int32_t>& ids, const MoeShape& s,
                              std::uint64_t seed) {
  std::vector<float> logits(static_cast<std::size_t>(s.tokens * s.experts));
#pragma omp parallel for schedule(static)
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    Draws draws(seed, Purpose::kLogits, t);
    const auto falling = falling_logits(s.experts, draws);
    const auto chosen = std::span(ids).subspan(t * s.top_k, s.top_k);
    std::vector<std::int32_t> order(chosen.begin(), chosen.end());
    std::vector<bool> taken(static_cast<std::size_t>(s.experts));
    for (const auto e : chosen) taken[e] = true;
    for (std::int32_t e = 0; e < s.experts; ++e) {
      if (!taken[e]) order.push_back(e);
    }
    for (std::size_t i = order.size(); i > chosen.size() + 1; --i) {  // Fisher and Yates
      std::swap(order[i - 1], order[chosen.size() + draws.below(i - chosen.size())]);
    }
    for (std::size_t i = 0; i < order.size(); ++i) logits[t * s.experts + order[i]] = falling[i];
  }
  return logits;
}

// trace:FILE#layer=N; without #layer=N the first layer.
Workload replay(const std::string& name, const MoeShape& shape,
                std::shared_ptr<const ExpertWeights> weights, std::uint64_t seed) {
  const std::string rest = name.substr(std::string_view("trace:").size());
  const auto mark = rest.rfind("#layer=");
  const Trace trace = read_trace(rest.substr(0, mark));
  std::int64_t layer = trace.layers.front().index;
  if (mark != std::string::npos) {
    const char* begin = rest.data() + mark + std::string_view("#layer=").size();
    const char* end = rest.data() + rest.size();
    if (std::from_chars(begin, end, layer).ptr != end || begin == end) {
      throw UserError(fmt::format(
          "workload \"{}\": layer is \"{}\", expected a whole number after #layer=", name, begin));
    }
  }
  try {
    Workload w = trace_workload(trace, layer, shape, std::move(weights), seed);
    w.name = name;
    return w;
  } catch (const UserError& e) {
    throw UserError(fmt::format("workload \"{}\": {}", name, e.what()));
  }
}

}  // namespace

Problem Workload::problem(const Knobs& knobs) const {
  return {{shape, weights.get(), knobs},
          {packed(x.data(), shape.tokens, shape.hidden),
           packed(logits.data(), shape.tokens, shape.experts)}};
}

// The sum of four uniforms (Irwin and Hall), scaled.
std::vector<float> make_inputs(const MoeShape& s, std::uint64_t seed) {
  std::vector<float> x(static_cast<std::size_t>(s.tokens * s.hidden));
  constexpr double kSqrt3 = 1.7320508075688772;
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto words = random_block(seed, Purpose::kInput, i);
    const auto sum = std::accumulate(words.begin(), words.end(), std::uint64_t{2});
    const double bell = (static_cast<double>(sum) * 0x1p-32 - 2) * kSqrt3;
    x[i] = round_to(s.dtype, static_cast<float>(bell));
  }
  return x;
}

std::shared_ptr<const ExpertWeights> make_weights(const MoeShape& s, std::uint64_t seed) {
  const std::int64_t n = s.experts * s.ffn * s.hidden;
  return std::make_shared<const ExpertWeights>(
      ExpertWeights{uniform_weights(n, s.hidden, s.dtype, seed, Purpose::kGate),
                    uniform_weights(n, s.hidden, s.dtype, seed, Purpose::kUp),
                    uniform_weights(n, s.ffn, s.dtype, seed, Purpose::kDown)});
}

Workload make_workload(const std::string& name, const MoeShape& shape,
                       std::shared_ptr<const ExpertWeights> weights, std::uint64_t seed) {
  if (shape.top_k < 1 || shape.top_k > shape.experts) {
    throw UserError(fmt::format(
        "shape: top_k is {}, expected 1 to {}: a token takes distinct experts, and there are {}",
        shape.top_k, shape.experts, shape.experts));
  }
  if (name.starts_with("trace:")) return replay(name, shape, std::move(weights), seed);
  const auto selection = generate_selection(parse_generator(name, shape), shape, seed);
  Workload w;
  w.shape = shape;
  w.weights = std::move(weights);
  w.x = make_inputs(shape, seed);
  w.logits = logits_for(selection.ids, shape, seed);
  w.name = name;
  w.origin = fmt::format("generated by {} with seed {}", name, seed);
  w.hash = routing_hash(selection.ids, w.logits);
  w.requested_share = selection.requested_share;
  return w;
}

}  // namespace moe::harness
