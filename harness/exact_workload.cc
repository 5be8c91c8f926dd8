// The integer problem: every product and sum of a correct layer is a whole number (or a whole
// multiple of 1/K) that float holds exactly, so the order of summation cannot matter and an output
// must equal the reference bit for bit. The idea is oneDNN's benchdnn.
//
//   x[t]      64 in column 0, small integers elsewhere
//   gate row  1 at column 0 and at most 4 entries of +-1: 48 <= g <= 80. There
//             exp(-g) <= exp(-48) = 1.4e-21 < 2^-53, so 1 + exp(-g) == 1 and silu(g) == g, in float
//             as in double
//   up row    at most 8 entries of +-1 outside column 0: |u| <= 32 (64 where H = 1)
//   down row  +-1, so few that |y| K < 2^24
//   logits    0 for the chosen, -1000 for the others, whose exp is 0 even in double: with K a power
//             of two every chosen expert weighs exactly 1/K, renormalised or not. So K is rounded
//             down to one, and the workload's shape says so.
// One of int8 or int4 rounds its tokens and g u to 16 bits with a scale, which all these integers
// fit in, and the weights are whole multiples of any power of two up to 1. A strategy of a narrower
// dtype rounds more: its tokens (e4m3), g u, and every expert's row. There all of them stay
// representable: tokens are powers of two, and with e4m3 all but the first are 8, so that g is a
// multiple of 8 up to 80, of 4 bits; up and down rows have one entry, so that u is a power of two
// and an expert's output is one g u.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "harness/random.h"
#include "harness/routing_generator.h"
#include "harness/selection.h"
#include "harness/workload.h"

namespace moe::harness {
namespace {

constexpr float kLarge = 64;
constexpr float kNever = -1000;

float sign(Draws& draws) { return draws.below(2) == 0 ? 1.0F : -1.0F; }

// At most `entries` of +-1 in row[first, ...); two that fall on one place are one entry.
void scatter_signs(std::span<float> row, std::size_t first, std::int64_t entries, Draws& draws) {
  if (first >= row.size()) return;
  for (std::int64_t i = 0; i < entries; ++i) {
    const auto place = first + draws.below(row.size() - first);
    row[place] = sign(draws);
  }
}

// Whether tokens and g u keep whole numbers of 14 bits, and an expert's row those of 24.
bool keeps_integers(DType dtype) { return dtype == DType::kF32 || is_integer(dtype); }

std::int64_t most_entries(DType dtype) { return keeps_integers(dtype) ? 8 : 1; }

// [E * F, H]: gate rows have a 1 in column 0, up rows have not.
std::vector<float> gate_or_up(const MoeShape& s, std::uint64_t seed, Purpose purpose) {
  const bool gate = purpose == Purpose::kGate;
  const std::int64_t entries = !gate ? most_entries(s.dtype) : s.dtype == DType::kE4m3 ? 2 : 4;
  std::vector<float> weight(static_cast<std::size_t>(s.experts * s.ffn * s.hidden));
  const auto rows = packed(weight.data(), s.experts * s.ffn, s.hidden);
#pragma omp parallel for schedule(static)
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    Draws draws(seed, purpose, r);
    if (gate) rows.row(r)[0] = 1;
    scatter_signs(rows.row(r), gate || s.hidden > 1 ? 1 : 0, entries, draws);
  }
  return weight;
}

// [E * H, F]
std::vector<float> down(const MoeShape& s, std::uint64_t seed) {
  constexpr std::int64_t kLargestProduct = 80 * 64;  // |g u|
  const auto entries = std::clamp<std::int64_t>(
      (std::int64_t{1} << 23) / (kLargestProduct * s.top_k), 1, most_entries(s.dtype));
  std::vector<float> weight(static_cast<std::size_t>(s.experts * s.hidden * s.ffn));
  const auto rows = packed(weight.data(), s.experts * s.hidden, s.ffn);
#pragma omp parallel for schedule(static)
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    Draws draws(seed, Purpose::kDown, r);
    scatter_signs(rows.row(r), 0, entries, draws);
  }
  return weight;
}

float small_integer(DType dtype, Draws& draws) {
  if (keeps_integers(dtype)) return static_cast<float>(draws.below(9)) - 4;
  if (dtype == DType::kE4m3) return sign(draws) * 8;
  return sign(draws) * static_cast<float>(1 << draws.below(3));
}

std::vector<float> inputs(const MoeShape& s, std::uint64_t seed) {
  std::vector<float> x(static_cast<std::size_t>(s.tokens * s.hidden));
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    Draws draws(seed, Purpose::kInput, t);
    float* row = x.data() + t * s.hidden;
    std::generate_n(row, s.hidden, [&] { return small_integer(s.dtype, draws); });
    if (s.hidden > 0) row[0] = kLarge;
  }
  return x;
}

}  // namespace

Workload make_exact_workload(const MoeShape& shape, std::uint64_t seed) {
  Workload w;
  w.shape = shape;
  w.shape.top_k = static_cast<std::int64_t>(
      std::bit_floor(static_cast<std::uint64_t>(std::min(shape.top_k, shape.experts))));
  const MoeShape& s = w.shape;
  w.weights = std::make_shared<const ExpertWeights>(ExpertWeights{
      gate_or_up(s, seed, Purpose::kGate), gate_or_up(s, seed, Purpose::kUp), down(s, seed)});
  w.x = inputs(s, seed);
  const auto chosen = generate_selection(Uniform{}, s, seed);
  w.logits.assign(static_cast<std::size_t>(s.tokens * s.experts), kNever);
  for (std::int64_t a = 0; a < s.tokens * s.top_k; ++a) {
    w.logits[a / s.top_k * s.experts + chosen.ids[a]] = 0;
  }
  w.name = "exact";
  w.origin = fmt::format("integers with seed {}, K = {}", seed, s.top_k);
  const auto logits = packed<const float>(w.logits.data(), s.tokens, s.experts);
  w.hash = routing_hash(top_k_ids(logits, s.top_k), w.logits);
  w.requested_share = chosen.requested_share;
  return w;
}

}  // namespace moe::harness
