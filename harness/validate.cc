#include "harness/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/compare_routing.h"
#include "harness/number_format.h"
#include "reference/error_bound.h"
#include "reference/moe_layer.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

BasicRouting<double> widened(const Routing& r) {
  return {r.offsets, r.expert, {r.weight.begin(), r.weight.end()}};
}

double norm(std::span<const double> v) {
  double squares = 0;
  for (const double d : v) squares += d * d;
  return std::sqrt(squares);
}

double distance(std::span<const float> a, std::span<const double> b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(squares);
}

}  // namespace

Truth::Truth(const Problem& problem) : problem_(problem) {
  const MoeShape& s = problem.layer.shape;
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    const auto row = problem.batch.x.row(t);
    x_.insert(x_.end(), row.begin(), row.end());
  }
  dropless_ = reference::route<float>(TokenChoice{}, s, problem.batch.logits);
}

const Truth::Layer& Truth::under(const Routing& routing) {
  for (const auto& [known, layer] : known_) {
    if (known == routing) return layer;
  }
  const MoeShape& s = problem_.layer.shape;
  const auto x = packed<const double>(x_.data(), s.tokens, s.hidden);
  const auto exact = widened(routing);
  const ExpertWeights& w = *problem_.layer.weights;
  known_.emplace_back(
      routing, Layer{reference::moe_layer<double>(s, w, x, exact),
                     reference::moe_layer_error_bound(s, w, x, exact, roundings_of(s.dtype))});
  return known_.back().second;
}

void compare_rows(const MoeShape& s, const Routing& routing, std::span<const float> y,
                  const Truth::Layer& truth, Validation& v) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double worst_share = -1;
  double served = 0;
  double zero = 0;
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    const auto row = std::span(truth.y).subspan(t * s.hidden, s.hidden);
    const double size = norm(row);
    const double off = distance(y.subspan(t * s.hidden, s.hidden), row);
    const bool is_served = routing.offsets[t + 1] > routing.offsets[t];
    served += is_served;
    zero += is_served && size == 0;
    const double allowed = truth.bound[t];
    const double share = off <= 0 ? 0 : allowed > 0 ? off / allowed : kInfinity * off;
    if (share <= worst_share) continue;  // NaN goes on, and stays
    worst_share = share;
    v.worst_token = t;
    v.worst_error = off <= 0 ? 0 : size > 0 ? off / size : kInfinity * off;
    v.bound = size > 0 ? allowed / size : 0;
    if (std::isnan(share)) break;
  }
  v.zero_rows = served > 0 ? zero / served : 0;
}

Validation validate(Truth& truth, const RoutingPolicy& policy, const Output& output) {
  const Problem& p = truth.problem();
  const MoeShape& s = p.layer.shape;
  Validation v;
  const auto routing = compare_routing(policy, s, p.batch.logits, output.dispatch.routing);
  v.routing_differences = routing.differences;
  v.near_ties = routing.near_ties;
  v.fault = routing.fault;
  if (std::ssize(output.y) != s.tokens * s.hidden) {
    v.fault = fmt::format("y has {} values, not {}", output.y.size(), s.tokens * s.hidden);
  }
  if (!v.fault.empty()) return v;
  compare_rows(s, output.dispatch.routing, output.y, truth.under(output.dispatch.routing), v);
  if (!(v.worst_error <= v.bound)) {
    v.fault = fmt::format("token {} is off by {:.3g} of its size; rounding explains {:.3g}",
                          v.worst_token, v.worst_error, v.bound);
  }
  const auto& dropless = truth.under(truth.dropless()).y;
  const double size = norm(dropless);
  if (size > 0) v.distance_from_dropless = distance(output.y, dropless) / size;
  return v;
}

}  // namespace moe::harness
