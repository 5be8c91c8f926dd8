#include "reference/generated_weights.h"

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace moe::reference {
namespace {

std::uint64_t splitmix64(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// Elements 4 * block .. 4 * block + 3 of a tensor, N(0, 1).
std::array<double, 4> four_normals(std::uint64_t key, std::uint64_t block) {
  const r123::Philox4x32::ctr_type counter{
      {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0}};
  const r123::Philox4x32::key_type k{
      {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)}};
  const auto bits = r123::Philox4x32{}(counter, k);
  const auto uniform = [&](int i) { return (bits[i] + 0.5) * 0x1p-32; };  // in (0, 1)
  std::array<double, 4> z{};
  for (int pair = 0; pair < 4; pair += 2) {
    const double radius = std::sqrt(-2 * std::log(uniform(pair)));
    const double angle = 2 * std::numbers::pi * uniform(pair + 1);
    z[pair] = radius * std::cos(angle);
    z[pair + 1] = radius * std::sin(angle);
  }
  return z;
}

}  // namespace

std::uint64_t fnv1a(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::vector<float> golden_values(const std::string& name, double base, double scale,
                                 std::int64_t count) {
  const std::uint64_t seed = fnv1a(name);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double u = static_cast<double>(splitmix64(seed + i) >> 11) * 0x1p-53;
    values[i] = static_cast<float>(base + scale * (2 * u - 1));
  }
  return values;
}

TensorSource golden_weights() {
  return [](const WeightTensor& tensor) {
    const bool norm = tensor.role == TensorRole::kNorm;
    const bool wide = tensor.role == TensorRole::kEmbedding || tensor.role == TensorRole::kRouter ||
                      tensor.role == TensorRole::kSharedExpertGate;
    const double scale = norm ? 0.1 : wide ? 1.0 : 0.3;
    return golden_values(tensor.name, norm ? 1 : 0, scale, tensor.elements());
  };
}

TensorSource normal_weights(std::uint64_t seed, double deviation) {
  return [=](const WeightTensor& tensor) {
    const std::int64_t count = tensor.elements();
    const bool norm = tensor.role == TensorRole::kNorm;
    std::vector<float> values(static_cast<std::size_t>(count), norm ? 1.0F : 0.0F);
    if (norm || tensor.role == TensorRole::kAttentionBias) return values;
    const std::uint64_t key = splitmix64(seed) ^ fnv1a(tensor.name);
#pragma omp parallel for
    for (std::int64_t first = 0; first < count; first += 4) {
      const auto z = four_normals(key, static_cast<std::uint64_t>(first / 4));
      for (std::int64_t i = first; i < std::min(first + 4, count); ++i) {
        values[i] = static_cast<float>(deviation * z[i - first]);
      }
    }
    return values;
  };
}

}  // namespace moe::reference
