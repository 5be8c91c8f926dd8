#include "harness/compare_routing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "reference/route.h"

namespace moe::harness {
namespace {

constexpr double kUnit = 0x1p-24;  // unit roundoff of f32, in which weights are handed back

// Rows as maps expert -> weight: the order within a row is not judged.
using Row = std::map<std::int32_t, double>;

template <class Real>
Row row_of(const BasicRouting<Real>& r, std::int64_t t) {
  Row row;
  for (auto a = r.offsets[t]; a < r.offsets[t + 1]; ++a) row[r.expert[a]] = r.weight[a];
  return row;
}

// The first thing that makes `r` no routing at all, or nothing.
std::string malformed(const MoeShape& s, const Routing& r) {
  if (r.tokens() != s.tokens) return fmt::format("routes {} tokens of {}", r.tokens(), s.tokens);
  if (r.weight.size() != r.expert.size()) return "has not one weight for each expert";
  if (r.offsets.front() != 0 || r.offsets.back() != r.assignments()) {
    return "has offsets that do not span its assignments";
  }
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    if (r.offsets[t] > r.offsets[t + 1]) return fmt::format("has falling offsets at token {}", t);
    for (auto a = r.offsets[t]; a < r.offsets[t + 1]; ++a) {
      if (r.expert[a] < 0 || r.expert[a] >= s.experts) {
        return fmt::format("sends token {} to expert {} of {}", t, r.expert[a], s.experts);
      }
      if (!std::isfinite(r.weight[a]))
        return fmt::format("weighs token {} with {}", t, r.weight[a]);
    }
    if (std::ssize(row_of(r, t)) != r.offsets[t + 1] - r.offsets[t]) {
      return fmt::format("sends token {} twice to the same expert", t);
    }
  }
  return "";
}

// Relative error of one softmax weight in f32; see the header.
double weight_error(const MoeShape& s, std::span<const float> logits) {
  const auto [low, high] = std::ranges::minmax(logits);
  return kUnit * (2 * (static_cast<double>(high) - low) + static_cast<double>(s.experts) + 6);
}

bool same_weight(double got, double expected, double relative) {
  // Below the smallest normal float a relative error means nothing.
  return std::abs(got - expected) <= expected * relative + std::numeric_limits<float>::min();
}

// Policies by which experts choose among tokens: those of one expert that were left out or taken
// beyond its choice.
struct Exchange {
  std::vector<std::int64_t> missing, extra;
};

// What an expert compares tokens by: those that come first, and among these the probability.
struct Scores {
  std::vector<bool> first{};
  std::vector<double> probability{};
  double relative = 0;  // the largest error of a probability
};

// All scores involved within rounding of each other, and no exact tie given to the higher token.
bool is_near_tie(const Exchange& x, const Scores& scores) {
  const auto& [first, score, relative] = scores;
  if (x.missing.size() != x.extra.size()) return false;
  for (const auto m : x.missing) {
    for (const auto e : x.extra) {
      if (first[m] != first[e]) return false;
      if (!(std::abs(score[m] - score[e]) <= 2 * relative * score[m])) return false;
      if (score[m] == score[e] && e > m) return false;
    }
  }
  return true;
}

std::map<std::int32_t, Exchange> exchanges(const MoeShape& s, const BasicRouting<double>& expected,
                                           const Routing& got) {
  std::map<std::int32_t, Exchange> by_expert;
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    const Row want = row_of(expected, t);
    const Row have = row_of(got, t);
    for (const auto& [e, w] : want) {
      if (!have.contains(e)) by_expert[e].missing.push_back(t);
    }
    for (const auto& [e, w] : have) {
      if (!want.contains(e)) by_expert[e].extra.push_back(t);
    }
  }
  return by_expert;
}

// Those that chose an expert come first with token rounding, and nobody with expert choice.
Scores scores_of(const RoutingPolicy& policy, const MoeShape& s, MatrixView<const double> logits,
                 MatrixView<const float> original, std::int32_t e) {
  MoeShape all = s;
  all.top_k = s.experts;
  all.renormalize = false;
  const auto everyone = reference::route<double>(TokenChoice{}, all, logits);
  const auto chosen = reference::route<double>(TokenChoice{}, s, logits);
  const bool choice_counts = std::holds_alternative<TokenRounding>(policy);
  Scores scores;
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    scores.first.push_back(choice_counts && row_of(chosen, t).contains(e));
    scores.probability.push_back(row_of(everyone, t).at(e));
    scores.relative = std::max(scores.relative, weight_error(s, original.row(t)));
  }
  return scores;
}

void compare_selection(const RoutingPolicy& policy, const MoeShape& s,
                       MatrixView<const double> exact, MatrixView<const float> logits,
                       const BasicRouting<double>& expected, const Routing& got,
                       RoutingComparison& result) {
  for (const auto& [e, exchange] : exchanges(s, expected, got)) {
    if (std::holds_alternative<ExpertChoice>(policy) ||
        std::holds_alternative<TokenRounding>(policy)) {
      if (is_near_tie(exchange, scores_of(policy, s, exact, logits, e))) {
        result.near_ties += std::ssize(exchange.extra);
        continue;
      }
    }
    result.differences += std::ssize(exchange.extra) + std::ssize(exchange.missing);
    if (!result.fault.empty()) continue;
    const bool left_out = !exchange.missing.empty();
    result.fault = fmt::format(
        "the routing {} token {} {} expert {}, against its policy", left_out ? "keeps" : "sends",
        left_out ? exchange.missing.front() : exchange.extra.front(), left_out ? "from" : "to", e);
  }
}

void compare_weights(const MoeShape& s, MatrixView<const float> logits,
                     const BasicRouting<double>& expected, const Routing& got,
                     RoutingComparison& result) {
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    const Row want = row_of(expected, t);
    const double relative = weight_error(s, logits.row(t));
    for (const auto& [e, weight] : row_of(got, t)) {
      const auto right = want.find(e);
      if (right == want.end() || same_weight(weight, right->second, relative)) continue;
      ++result.differences;
      if (result.fault.empty()) {
        result.fault = fmt::format("the routing weighs expert {} of token {} with {}, not {}", e, t,
                                   weight, right->second);
      }
    }
  }
}

}  // namespace

RoutingComparison compare_routing(const RoutingPolicy& policy, const MoeShape& s,
                                  MatrixView<const float> logits, const Routing& got) {
  RoutingComparison result;
  if (const auto why = malformed(s, got); !why.empty()) {
    result.differences = std::max<std::int64_t>(1, got.assignments());
    result.fault = "the routing " + why;
    return result;
  }
  std::vector<double> exact(static_cast<std::size_t>(s.tokens * s.experts));
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    std::ranges::copy(logits.row(t), exact.begin() + t * s.experts);
  }
  const auto view = packed<const double>(exact.data(), s.tokens, s.experts);
  const auto expected = reference::route<double>(policy, s, view);
  compare_selection(policy, s, view, logits, expected, got, result);
  compare_weights(s, logits, expected, got, result);
  return result;
}

}  // namespace moe::harness
