#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "reference/tensor_source.h"

namespace moe::reference {

// Weights out of nothing. A value depends on its tensor's name and its own place only, so tensors
// can be made in any order.

// `count` values base + scale * u, u in [-1, 1) by splitmix64 of FNV-1a(name) + index, rounded to
// float: what golden numbers are computed from, easy to write again in any language.
std::vector<float> golden_values(const std::string& name, double base, double scale,
                                 std::int64_t count);
std::uint64_t fnv1a(const std::string& text);

// golden_values: norms 1 +- 0.1; embeddings, routers and shared gates +- 1; all else +- 0.3.
TensorSource golden_weights();

// As the published models are initialised: N(0, deviation^2), biases 0, norms 1. Philox with the
// seed and the tensor's name as its key, Box-Muller.
TensorSource normal_weights(std::uint64_t seed, double deviation);

}  // namespace moe::reference
