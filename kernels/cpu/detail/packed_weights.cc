#include "kernels/cpu/detail/packed_weights.h"

#include <algorithm>
#include <bit>
#include <map>
#include <mutex>
#include <tuple>

#include "kernels/cpu/detail/parallel.h"

namespace moe::cpu {
namespace {

// The weights are bf16 already; the rounding is for whoever packs others.
std::uint16_t to_bf16(float v) {
  const auto bits = std::bit_cast<std::uint32_t>(v);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return 0x7FC0;  // NaN stays NaN
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

// One column of a panel: `values` are its depth.
void write_column(DType dtype, std::span<const float> values, std::int64_t column, char* panel) {
  const auto depth = std::ssize(values);
  if (dtype == DType::kF32) {
    auto* const to = reinterpret_cast<float*>(panel);
    for (std::int64_t k = 0; k < depth; ++k) to[k * kPanelColumns + column] = values[k];
    return;
  }
  auto* const to = reinterpret_cast<std::uint16_t*>(panel);
  for (std::int64_t k = 0; k < depth; ++k) {
    to[(k / 2 * kPanelColumns + column) * 2 + k % 2] = to_bf16(values[k]);
  }
}

PanelMatrix empty_matrix(const MoeShape& s, std::int64_t panels, std::int64_t depth) {
  const std::int64_t bytes = panel_bytes(s.dtype, depth);
  return {panels, depth, bytes, PageBuffer(static_cast<std::size_t>(s.experts * panels * bytes))};
}

// column(expert, panel, c): the values of column c, or nothing where it is padding.
template <class Column>
void fill(const MoeShape& s, PanelMatrix& matrix, const Column& column) {
  parallel_for(s.experts * matrix.panels, [&](std::int64_t i) {
    const std::int64_t e = i / matrix.panels;
    const std::int64_t p = i % matrix.panels;
    char* const panel = matrix.values.as<char>() + i * matrix.panel_bytes;
    for (std::int64_t c = 0; c < kPanelColumns; ++c) {
      write_column(s.dtype, column(e, p, c), c, panel);
    }
  });
}

}  // namespace

std::int64_t panel_bytes(DType dtype, std::int64_t depth) {
  return depth * kPanelColumns * (dtype == DType::kF32 ? 4 : 2);
}

PackedWeights pack_weights(const MoeShape& s, const ExpertWeights& weights) {
  constexpr std::int64_t kOutputs = kPanelColumns / 2;
  PackedWeights packed;
  packed.dtype = s.dtype;
  const std::int64_t ffn_panels = blocks_of(s.ffn, kOutputs);
  packed.gate_up = empty_matrix(s, ffn_panels, blocks_of(s.hidden, kDepthStep) * kDepthStep);
  packed.down = empty_matrix(s, blocks_of(s.hidden, kPanelColumns), ffn_panels * kOutputs);
  using Column = std::span<const float>;
  fill(s, packed.gate_up, [&](std::int64_t e, std::int64_t p, std::int64_t c) -> Column {
    const std::int64_t f = p * kOutputs + c % kOutputs;
    if (f >= s.ffn) return {};
    const auto& matrix = c < kOutputs ? weights.gate : weights.up;
    return {matrix.data() + (e * s.ffn + f) * s.hidden, static_cast<std::size_t>(s.hidden)};
  });
  fill(s, packed.down, [&](std::int64_t e, std::int64_t p, std::int64_t c) -> Column {
    const std::int64_t h = p * kPanelColumns + c;
    if (h >= s.hidden) return {};
    return {weights.down.data() + (e * s.hidden + h) * s.ffn, static_cast<std::size_t>(s.ffn)};
  });
  return packed;
}

std::shared_ptr<const PackedWeights> shared_packed_weights(const MoeShape& s,
                                                           const ExpertWeights& weights) {
  using Key = std::tuple<const ExpertWeights*, const float*, DType>;
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<const PackedWeights>> held;
  const std::scoped_lock lock(mutex);
  std::erase_if(held, [](const auto& entry) { return entry.second.expired(); });
  auto& known = held[{&weights, weights.gate.data(), s.dtype}];
  auto packed = known.lock();
  if (!packed) {
    packed = std::make_shared<const PackedWeights>(pack_weights(s, weights));
    known = packed;
  }
  return packed;
}

}  // namespace moe::cpu
