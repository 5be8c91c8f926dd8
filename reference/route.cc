#include "reference/route.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

namespace moe::reference {
namespace {

template <class Real>
struct Assignment {
  std::int64_t token;
  std::int32_t expert;
  Real weight;
};

// Rows in token order; within a row heavier first, equal weights by ascending expert.
template <class Real>
BasicRouting<Real> by_token(std::vector<Assignment<Real>> all, std::int64_t tokens) {
  std::ranges::stable_sort(all, [](const auto& a, const auto& b) {
    if (a.token != b.token) return a.token < b.token;
    return a.weight != b.weight ? a.weight > b.weight : a.expert < b.expert;
  });
  BasicRouting<Real> r;
  r.offsets.assign(static_cast<std::size_t>(tokens) + 1, 0);
  for (const auto& a : all) {
    ++r.offsets[static_cast<std::size_t>(a.token) + 1];
    r.expert.push_back(a.expert);
    r.weight.push_back(a.weight);
  }
  std::partial_sum(r.offsets.begin(), r.offsets.end(), r.offsets.begin());
  return r;
}

std::vector<std::int32_t> all_of(std::int64_t n) {
  std::vector<std::int32_t> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

// Indices of the `n` largest values, largest first, ties to the lower index.
template <class Real>
std::vector<std::int32_t> top(std::span<const Real> values, std::int64_t n) {
  auto order = all_of(static_cast<std::int64_t>(values.size()));
  std::ranges::stable_sort(order, [&](int a, int b) { return values[a] > values[b]; });
  order.resize(static_cast<std::size_t>(n));
  return order;
}

// p[e] = exp(g[e] - max g) / sum over the experts `over`, which may be more than 1 for others.
template <class Real>
std::vector<Real> softmax_of_all(std::span<const Real> logits, std::span<const std::int32_t> over) {
  Real most = -std::numeric_limits<Real>::infinity();
  Real sum = 0;
  for (const auto e : over) most = std::max(most, logits[e]);
  for (const auto e : over) sum += std::exp(logits[e] - most);
  std::vector<Real> p;
  for (const Real g : logits) p.push_back(std::exp(g - most) / sum);
  return p;
}

// The same, 0 for all others.
template <class Real>
std::vector<Real> softmax(std::span<const Real> logits, std::span<const std::int32_t> over) {
  const auto all = softmax_of_all(logits, over);
  std::vector<Real> p(logits.size(), 0);
  for (const auto e : over) p[e] = all[e];
  return p;
}

// The order in which tokens ask for room.
template <class Real>
std::vector<std::int32_t> asking_order(DropOrder order, const MoeShape& s,
                                       MatrixView<const Real> logits) {
  if (order == DropOrder::kPosition) return all_of(s.tokens);
  std::vector<Real> confidence;
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    confidence.push_back(std::ranges::max(softmax(logits.row(t), all_of(s.experts))));
  }
  return top<Real>(confidence, s.tokens);
}

template <class Real>
BasicRouting<Real> token_choice(const MoeShape& s, MatrixView<const Real> logits,
                                std::int64_t limit, DropOrder order) {
  std::vector<std::vector<std::int32_t>> chosen;
  std::vector<std::vector<Real>> weight;
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    chosen.push_back(top(logits.row(t), s.top_k));
    weight.push_back(softmax(logits.row(t), s.renormalize ? chosen.back() : all_of(s.experts)));
  }
  const auto asking = asking_order(order, s, logits);
  std::vector<std::int64_t> held(static_cast<std::size_t>(s.experts), 0);
  std::vector<Assignment<Real>> all;
  for (std::int64_t k = 0; k < s.top_k; ++k) {
    for (const auto t : asking) {
      const auto e = chosen[t][k];
      if (held[e]++ < limit) all.push_back({t, e, weight[t][e]});
    }
  }
  return by_token(std::move(all), s.tokens);
}

template <class Real>
BasicRouting<Real> expert_choice(const MoeShape& s, MatrixView<const Real> logits,
                                 std::int64_t takes) {
  std::vector<std::vector<Real>> liking(static_cast<std::size_t>(s.experts));
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    const auto p = softmax(logits.row(t), all_of(s.experts));
    for (std::int64_t e = 0; e < s.experts; ++e) liking[e].push_back(p[e]);
  }
  std::vector<Assignment<Real>> all;
  for (std::int32_t e = 0; e < s.experts; ++e) {
    for (const auto t : top<Real>(liking[e], takes)) all.push_back({t, e, liking[e][t]});
  }
  return by_token(std::move(all), s.tokens);
}

// For each expert the tokens that chose it, then the others; of both those first that like it most.
template <class Real>
BasicRouting<Real> token_rounding(const MoeShape& s, MatrixView<const Real> logits,
                                  const TokenRounding& policy) {
  const auto experts = all_of(s.experts);
  std::vector<std::vector<Real>> weight;
  std::vector<std::vector<Real>> liking(experts.size());
  std::vector<std::vector<std::int32_t>> own(experts.size());
  std::vector<std::vector<std::int32_t>> others(experts.size());
  for (std::int32_t t = 0; t < s.tokens; ++t) {
    const auto chosen = top(logits.row(t), s.top_k);
    const auto p = softmax(logits.row(t), experts);
    weight.push_back(s.renormalize ? softmax_of_all(logits.row(t), chosen) : p);
    for (const auto e : experts) {
      liking[e].push_back(p[e]);
      (std::ranges::count(chosen, e) > 0 ? own : others)[e].push_back(t);
    }
  }
  std::vector<Assignment<Real>> all;
  for (const auto e : experts) {
    const auto more_liking = [&](int a, int b) { return liking[e][a] > liking[e][b]; };
    std::ranges::stable_sort(own[e], more_liking);
    std::ranges::stable_sort(others[e], more_liking);
    const std::int64_t takes = rounded_count(policy, std::ssize(own[e]), s.tokens);
    own[e].insert(own[e].end(), others[e].begin(), others[e].end());
    for (std::int64_t i = 0; i < takes; ++i) {
      all.push_back({own[e][i], e, weight[own[e][i]][e]});
    }
  }
  return by_token(std::move(all), s.tokens);
}

}  // namespace

template <class Real>
BasicRouting<Real> route(const RoutingPolicy& policy, const MoeShape& s,
                         MatrixView<const Real> logits) {
  if (const auto* p = std::get_if<ExpertChoice>(&policy)) {
    return expert_choice(s, logits, capacity(s, p->factor, p->rounding));
  }
  if (const auto* p = std::get_if<TokenChoiceCapped>(&policy)) {
    return token_choice(s, logits, capacity(s, p->factor, p->rounding), p->order);
  }
  if (const auto* p = std::get_if<TokenRounding>(&policy)) return token_rounding(s, logits, *p);
  return token_choice(s, logits, s.tokens, DropOrder::kPosition);
}

template BasicRouting<float> route(const RoutingPolicy&, const MoeShape&, MatrixView<const float>);
template BasicRouting<double> route(const RoutingPolicy&, const MoeShape&,
                                    MatrixView<const double>);

}  // namespace moe::reference
