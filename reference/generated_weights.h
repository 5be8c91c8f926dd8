#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "reference/tensor_source.h"

namespace moe::reference {

// Weights out of nothing. A value depends on its tensor's name and its own place only, so any part
// of any tensor can be made at any time, by any thread.

// Writes the elements first .. first + out.size() - 1 of a tensor, in row-major order.
using WeightGenerator =
    std::function<void(const TensorSpec& tensor, std::int64_t first, std::span<float> out)>;

// `count` values base + scale * u, u in [-1, 1) by splitmix64 of FNV-1a(name) + index: what golden
// numbers are computed from, easy to write again in any language.
void golden_values(const std::string& name, double base, double scale, std::int64_t first,
                   std::span<float> out);
std::uint64_t fnv1a(const std::string& text);

// golden_values: norms 1 +- 0.1; embeddings, routers and shared gates +- 1; all else +- 0.3.
WeightGenerator golden_weights();

// As the published models are initialised: N(0, deviation^2), biases 0, norms 1. Philox with the
// seed and the tensor's name as its key, Box-Muller.
WeightGenerator normal_weights(std::uint64_t seed, double deviation);

TensorSource source_of(WeightGenerator generator);

}  // namespace moe::reference
