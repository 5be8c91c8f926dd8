#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/contract/strategy.h"
#include "reference/layers.h"

namespace moe::reference {

// What a tensor is to the model: decides how it is initialised and what it counts as.
enum class TensorRole : std::uint8_t {
  kEmbedding,
  kNorm,
  kAttention,
  kAttentionBias,
  kRouter,
  kRoutedExpert,
  kSharedExpert,
  kSharedExpertGate,
  kDenseFfn,
  kHead,
};

struct WeightTensor {
  std::string name;                 // the published one
  std::vector<std::int64_t> shape;  // row-major
  TensorRole role;

  std::int64_t elements() const {
    std::int64_t n = 1;
    for (const std::int64_t d : shape) n *= d;
    return n;
  }
};

// Where a model gets its weights: asked once for every tensor. A checkpoint, a generator of random
// numbers, or a recorder that only writes down what was asked (then the model stays empty).
using TensorSource = std::function<std::vector<float>(const WeightTensor&)>;

// `module`.weight, [out, in]
inline Linear make_linear(const TensorSource& source, const std::string& module, std::int64_t out,
                          std::int64_t in, TensorRole role) {
  return {out, in, source({module + ".weight", {out, in}, role}), {}};
}

// The same with `module`.bias, [out].
inline Linear make_biased_linear(const TensorSource& source, const std::string& module,
                                 std::int64_t out, std::int64_t in) {
  Linear l = make_linear(source, module, out, in, TensorRole::kAttention);
  l.bias = source({module + ".bias", {out}, TensorRole::kAttentionBias});
  return l;
}

// `module`.{gate,up,down}_proj.weight
inline Swiglu make_swiglu(const TensorSource& source, const std::string& module, std::int64_t width,
                          std::int64_t hidden, TensorRole role) {
  return {make_linear(source, module + ".gate_proj", width, hidden, role),
          make_linear(source, module + ".up_proj", width, hidden, role),
          make_linear(source, module + ".down_proj", hidden, width, role)};
}

// One more routed expert behind the others: `gate`, `up` and `down` are the names of its matrices.
inline void append_expert(const TensorSource& source, const std::string& gate,
                          const std::string& up, const std::string& down, std::int64_t ffn,
                          std::int64_t hidden, ExpertWeights& experts) {
  const auto append = [&](std::vector<float>& all, const std::string& name, std::int64_t rows,
                          std::int64_t cols) {
    const auto one = source({name + ".weight", {rows, cols}, TensorRole::kRoutedExpert});
    all.insert(all.end(), one.begin(), one.end());
  };
  append(experts.gate, gate, ffn, hidden);
  append(experts.up, up, ffn, hidden);
  append(experts.down, down, hidden, ffn);
}

}  // namespace moe::reference
