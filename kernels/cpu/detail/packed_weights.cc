#include "kernels/cpu/detail/packed_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
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

// The smallest power of two of which `largest` is at most `most` times.
float scale_of(std::span<const float> values, float most) {
  float largest = 0;
  for (const float v : values) largest = std::max(largest, std::abs(v));
  if (!(largest > 0)) return 1;
  int exponent = 0;
  std::frexp(largest / most, &exponent);
  const float half = std::ldexp(1.0F, exponent - 1);
  return largest <= most * half ? half : 2 * half;
}

// Values of one column into its words of kBits-numbers. They are whole multiples of the scale
// already.
template <int kBits>
void write_integers(std::span<const float> values, float scale, std::int64_t column, char* panel) {
  constexpr std::int64_t kInWord = 32 / kBits;
  auto* const words = reinterpret_cast<std::uint32_t*>(panel);
  for (std::int64_t k = 0; k < std::ssize(values); ++k) {
    const auto whole = static_cast<std::uint32_t>(std::lrint(values[k] / scale));
    const std::int64_t i = k % kInWord;
    words[k / kInWord * kPanelColumns + column] |= (whole & ((1U << kBits) - 1))
                                                   << (16 * (i % 2) + kBits * (i / 2));
  }
}

void write_int8(std::span<const float> values, std::int64_t column, std::int64_t depth,
                char* panel) {
  const float scale = scale_of(values, 127);
  write_integers<8>(values, scale, column, panel);
  reinterpret_cast<float*>(panel + panel_bytes(DType::kInt8, depth))[column] = scale;
}

void write_int4(std::span<const float> values, std::int64_t column, char* panel) {
  for (std::int64_t k = 0; k < std::ssize(values); k += kIntegerGroup) {
    const std::int64_t group = k % kIntegerStep / kIntegerGroup;
    char* const step = panel + panel_bytes(DType::kInt4, k / kIntegerStep * kIntegerStep);
    const auto some = values.subspan(k, std::min(kIntegerGroup, std::ssize(values) - k));
    const float scale = scale_of(some, 7);
    step[group * kPanelColumns + column] = static_cast<char>(std::ilogb(scale) + 127);
    write_integers<4>(some, scale, column, step + kInt4ScaleBytes + group * kInt4GroupBytes);
  }
}

// One column of a panel: `values` are its depth, which is padded to `depth`.
void write_column(DType dtype, std::span<const float> values, std::int64_t column,
                  std::int64_t depth, char* panel) {
  if (dtype == DType::kInt8) return write_int8(values, column, depth, panel);
  if (dtype == DType::kInt4) return write_int4(values, column, panel);
  if (dtype == DType::kF32) {
    auto* const to = reinterpret_cast<float*>(panel);
    for (std::int64_t k = 0; k < std::ssize(values); ++k)
      to[k * kPanelColumns + column] = values[k];
    return;
  }
  auto* const to = reinterpret_cast<std::uint16_t*>(panel);
  for (std::int64_t k = 0; k < std::ssize(values); ++k) {
    to[(k / 2 * kPanelColumns + column) * 2 + k % 2] = to_bf16(values[k]);
  }
}

// Room for panels of at least this depth.
PanelMatrix empty_matrix(const MoeShape& s, std::int64_t panels, std::int64_t values) {
  const std::int64_t step = depth_step(s.dtype);
  const std::int64_t depth = blocks_of(values, step) * step;
  const std::int64_t scales = s.dtype == DType::kInt8 ? kPanelColumns * 4 : 0;
  const std::int64_t bytes = panel_bytes(s.dtype, depth) + scales;
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
      write_column(s.dtype, column(e, p, c), c, matrix.depth, panel);
    }
  });
}

}  // namespace

std::int64_t panel_bytes(DType dtype, std::int64_t depth) {
  if (dtype == DType::kInt4) {
    return depth * (kInt4ScaleBytes + 2 * kInt4GroupBytes) / kIntegerStep;
  }
  return depth * kPanelColumns * (dtype == DType::kF32 ? 4 : dtype == DType::kInt8 ? 1 : 2);
}

PackedWeights pack_weights(const MoeShape& s, const ExpertWeights& weights) {
  constexpr std::int64_t kOutputs = kPanelColumns / 2;
  PackedWeights packed;
  packed.dtype = s.dtype;
  const std::int64_t ffn_panels = blocks_of(s.ffn, kOutputs);
  packed.gate_up = empty_matrix(s, ffn_panels, s.hidden);
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
