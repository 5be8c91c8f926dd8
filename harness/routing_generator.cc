#include "harness/routing_generator.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>
#include <utility>

#include "harness/portable_math.h"
#include "harness/random.h"
#include "harness/variates.h"

namespace moe::harness {
namespace {

using Ids = std::vector<std::int32_t>;

// Fisher and Yates.
void shuffle(std::span<std::int32_t> ids, Draws& draws) {
  for (std::size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[draws.below(i)]);
}

// The experts by popularity, most popular first: another order for every seed. Without it the hot
// expert is always number 0, and a strategy that happens to be good at 0 looks good at everything.
Ids by_popularity(const MoeShape& s, std::uint64_t seed) {
  Ids order(static_cast<std::size_t>(s.experts));
  std::iota(order.begin(), order.end(), 0);
  Draws draws(seed, Purpose::kPopularity, 0);
  shuffle(order, draws);
  return order;
}

// Probabilities as whole multiples of 2^-32, where the last bits of a logarithm cannot matter.
// Never 0: a token must always find K experts.
std::vector<std::uint64_t> whole_weights(std::span<const double> p) {
  std::vector<std::uint64_t> w;
  for (const double v : p)
    w.push_back(std::max<std::uint64_t>(1, static_cast<std::uint64_t>(v * 0x1p32 + 0.5)));
  return w;
}

// Successive sampling without replacement: the next id is drawn by weight from those not yet taken.
// The same law as the K largest of log-weight + Gumbel noise. Taken weights become 0.
void draw_distinct(std::vector<std::uint64_t> weights, std::span<std::int32_t> ids, Draws& draws) {
  std::uint64_t left = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  for (std::int32_t& id : ids) {
    std::uint64_t place = draws.below(left);
    std::size_t e = 0;
    while (place >= weights[e]) place -= weights[e++];
    id = static_cast<std::int32_t>(e);
    left -= std::exchange(weights[e], 0);
  }
}

std::span<std::int32_t> row(Ids& ids, const MoeShape& s, std::int64_t t) {
  return std::span(ids).subspan(t * s.top_k, s.top_k);
}

// Tokens [begin, end) choose by `weights`.
void draw_tokens(const std::vector<std::uint64_t>& weights, const MoeShape& s, std::uint64_t seed,
                 std::int64_t begin, std::int64_t end, Ids& ids) {
#pragma omp parallel for schedule(static)
  for (std::int64_t t = begin; t < end; ++t) {
    Draws draws(seed, Purpose::kSelection, t);
    draw_distinct(weights, row(ids, s, t), draws);
  }
}

Selection empty_selection(const MoeShape& s) {
  return {Ids(static_cast<std::size_t>(s.tokens * s.top_k)), 0};
}

Selection by_proportions(std::span<const double> p, const MoeShape& s, std::uint64_t seed) {
  Selection out = empty_selection(s);
  draw_tokens(whole_weights(p), s, seed, 0, s.tokens, out.ids);
  out.requested_share = std::ranges::max(p);
  return out;
}

// The order in which balanced choices are dealt, as a round through all experts. Ranks of expert
// parallelism hold contiguous experts; dealing 0, 1, 2, ... would fill rank 0 before rank 1 sees a
// token, and a stride of two would leave every odd rank empty. Here any run of the round touches
// the ranks of 2, 4, 8 and 16 evenly, as far as they divide E: the group of place i is i's low bits
// reversed. The seed swaps halves of halves and shuffles within a group, which keeps that.
Ids dealing_order(const MoeShape& s, std::uint64_t seed) {
  const std::int64_t groups = std::gcd(s.experts, std::int64_t{16});
  const std::int64_t size = s.experts / groups;
  const int levels = std::countr_zero(static_cast<std::uint64_t>(groups));
  Draws draws(seed, Purpose::kPopularity, 0);
  std::vector<Ids> members;
  for (std::int64_t g = 0; g < groups; ++g) {
    members.emplace_back(static_cast<std::size_t>(size));
    std::iota(members.back().begin(), members.back().end(), static_cast<std::int32_t>(g * size));
    shuffle(members.back(), draws);
  }
  const std::uint64_t swaps = draws.next64();  // one bit for each node of the tree of halves
  Ids order;
  for (std::int64_t i = 0; i < s.experts; ++i) {
    std::int64_t group = 0;
    for (int level = 0; level < levels; ++level) {
      const std::uint64_t node = (std::uint64_t{1} << level) + group;
      group = 2 * group + ((i >> level & 1) ^ static_cast<std::int64_t>(swaps >> node & 1));
    }
    order.push_back(members[group][i / groups]);
  }
  return order;
}

Selection generate(const Balanced&, const MoeShape& s, std::uint64_t seed) {
  Selection out = empty_selection(s);
  const Ids order = dealing_order(s, seed);
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    const auto ids = row(out.ids, s, t);
    for (std::int64_t k = 0; k < s.top_k; ++k) ids[k] = order[(t * s.top_k + k) % s.experts];
    Draws draws(seed, Purpose::kSelection, t);
    shuffle(ids, draws);  // else first choices would know only every K-th expert
  }
  out.requested_share = 1.0 / static_cast<double>(s.experts);
  return out;
}

Selection generate(const Uniform&, const MoeShape& s, std::uint64_t seed) {
  const double share = 1.0 / static_cast<double>(s.experts);
  return by_proportions(std::vector<double>(static_cast<std::size_t>(s.experts), share), s, seed);
}

Selection generate(const Zipf& law, const MoeShape& s, std::uint64_t seed) {
  std::vector<double> p(static_cast<std::size_t>(s.experts));
  double sum = 0;
  std::int64_t rank = 0;
  for (const auto e : by_popularity(s, seed)) {
    sum += p[e] = portable_exp(-law.exponent * portable_log(static_cast<double>(++rank)));
  }
  for (double& v : p) v /= sum;
  return by_proportions(p, s, seed);
}

Selection generate(const Dirichlet& law, const MoeShape& s, std::uint64_t seed) {
  Draws draws(seed, Purpose::kProportions, 0);
  return by_proportions(dirichlet(s.experts, law.alpha, draws), s, seed);
}

Selection generate(const Hot& law, const MoeShape& s, std::uint64_t seed) {
  Selection out = empty_selection(s);
  const Ids order = by_popularity(s, seed);
  const std::vector<std::uint64_t> even(order.size(), 1);
  const auto threshold = static_cast<std::uint64_t>(law.fraction * 0x1p32 + 0.5);
#pragma omp parallel for schedule(static)
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    Draws draws(seed, Purpose::kSelection, t);
    auto ids = row(out.ids, s, t);
    auto weights = even;
    if (draws.next32() < threshold) {  // the hot expert first, then others
      ids[0] = order[draws.below(law.experts)];
      weights[ids[0]] = 0;
      ids = ids.subspan(1);
    }
    draw_distinct(std::move(weights), ids, draws);
  }
  // A token that must: one of M, or by chance among its other K - 1. One that need not: K of E.
  const auto E = static_cast<double>(s.experts), K = static_cast<double>(s.top_k);
  const double chosen = 1.0 / static_cast<double>(law.experts);
  const double must = chosen + (s.experts > 1 ? (1 - chosen) * (K - 1) / (E - 1) : 0);
  out.requested_share = (law.fraction * must + (1 - law.fraction) * K / E) / K;
  return out;
}

Selection generate(const Collapse&, const MoeShape& s, std::uint64_t seed) {
  Selection out = empty_selection(s);
  const Ids order = by_popularity(s, seed);
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    std::copy_n(order.begin(), s.top_k, row(out.ids, s, t).begin());
  }
  out.requested_share = 1.0 / static_cast<double>(s.top_k);
  return out;
}

Selection generate(const Correlated& law, const MoeShape& s, std::uint64_t seed) {
  Selection out = empty_selection(s);
  std::vector<double> mean(static_cast<std::size_t>(s.experts), 0);
  for (std::int64_t begin = 0; begin < s.tokens; begin += law.sequence) {
    const auto end = std::min(s.tokens, begin + law.sequence);
    Draws draws(seed, Purpose::kProportions, begin / law.sequence);
    const auto p = dirichlet(s.experts, law.concentration / static_cast<double>(s.experts), draws);
    draw_tokens(whole_weights(p), s, seed, begin, end, out.ids);
    const double share = static_cast<double>(end - begin) / static_cast<double>(s.tokens);
    for (std::size_t e = 0; e < p.size(); ++e) mean[e] += share * p[e];
  }
  out.requested_share = std::ranges::max(mean);
  return out;
}

}  // namespace

Selection generate_selection(const RoutingGenerator& generator, const MoeShape& shape,
                             std::uint64_t seed) {
  return std::visit([&](const auto& law) { return generate(law, shape, seed); }, generator);
}

}  // namespace moe::harness
