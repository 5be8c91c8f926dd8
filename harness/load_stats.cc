#include "harness/load_stats.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moe::harness {
namespace {

using Counts = std::vector<std::int64_t>;

Counts sorted(Counts n) {
  std::ranges::sort(n);
  return n;
}

// sqrt(mean (n - mu)^2) / mu
double variation(const Counts& n, double mean) {
  double squares = 0;
  for (const auto v : n) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / static_cast<double>(n.size())) / mean;
}

// 2 sum_i i x_(i) / (E sum x) - (E + 1) / E, x ascending, i from 1
double gini(const Counts& n, double total) {
  const auto experts = static_cast<double>(n.size());
  double weighted = 0;
  double rank = 0;
  for (const auto v : sorted(n)) weighted += ++rank * static_cast<double>(v);
  return 2 * weighted / (experts * total) - (experts + 1) / experts;
}

// - sum q ln q / ln E. A single expert is loaded evenly.
double entropy(const Counts& n, double total) {
  if (n.size() == 1) return 1;
  double sum = 0;
  for (const auto v : n) {
    const double q = static_cast<double>(v) / total;
    if (v > 0) sum -= q * std::log(q);
  }
  return sum / std::log(static_cast<double>(n.size()));
}

// N / (M sum ceil(n / M))
double tile_efficiency(const Counts& n, double total, std::int64_t rows) {
  std::int64_t tiles = 0;
  for (const auto v : n) tiles += (v + rows - 1) / rows;
  return total / static_cast<double>(tiles * rows);
}

// The figures of the counts alone; there is at least one assignment.
void add_shape_of(const Counts& n, LoadStats& out) {
  const auto total = static_cast<double>(std::accumulate(n.begin(), n.end(), std::int64_t{0}));
  const double mean = total / static_cast<double>(n.size());
  const auto ascending = sorted(n);
  const auto most = static_cast<double>(ascending.back());
  const auto least = ascending[static_cast<std::size_t>(out.dead_experts)];
  out.max_over_mean = most / mean;
  out.max_violation = most / mean - 1;
  out.variation = variation(n, mean);
  out.gini = gini(n, total);
  out.entropy = entropy(n, total);
  out.max_over_min = most / static_cast<double>(least);
  out.pad_to_max_efficiency = mean / most;
  out.tile_efficiency_16 = tile_efficiency(n, total, 16);
  out.tile_efficiency_64 = tile_efficiency(n, total, 64);
  out.tile_efficiency_128 = tile_efficiency(n, total, 128);
}

// What was asked for and not served, assignment by assignment: an expert that came instead of
// another one does not make up for it.
void add_drops(const Routing& served, const Routing& asked, LoadStats& out) {
  std::int64_t missing = 0;
  std::int64_t alone = 0;
  double mass = 0;
  double lost = 0;
  for (std::int64_t t = 0; t < asked.tokens(); ++t) {
    const auto begin = served.expert.begin() + served.offsets[t];
    const auto end = served.expert.begin() + served.offsets[t + 1];
    alone += begin == end;
    for (auto a = asked.offsets[t]; a < asked.offsets[t + 1]; ++a) {
      const auto found = std::find(begin, end, asked.expert[a]);
      const double wanted = asked.weight[a];
      const double got = found == end ? 0 : served.weight[found - served.expert.begin()];
      missing += found == end;
      mass += wanted;
      lost += std::max(0.0, wanted - got);
    }
  }
  const auto assignments = static_cast<double>(asked.assignments());
  if (assignments > 0) out.dropped_slots = static_cast<double>(missing) / assignments;
  if (mass > 0) out.gate_mass_lost = lost / mass;
  out.dropped_tokens = static_cast<double>(alone) / static_cast<double>(asked.tokens());
}

}  // namespace

LoadStats load_stats(const MoeShape& shape, const Routing& served, const Routing& asked) {
  LoadStats out;
  out.tokens_per_expert.assign(static_cast<std::size_t>(shape.experts), 0);
  for (const auto e : served.expert) ++out.tokens_per_expert[e];
  if (shape.tokens == 0) return out;
  out.dead_experts = std::ranges::count(out.tokens_per_expert, 0);
  if (served.assignments() > 0) add_shape_of(out.tokens_per_expert, out);
  add_drops(served, asked, out);
  const auto E = static_cast<double>(shape.experts), K = static_cast<double>(shape.top_k);
  out.multinomial_floor = std::sqrt((E - K) / (K * static_cast<double>(shape.tokens)));
  return out;
}

}  // namespace moe::harness
