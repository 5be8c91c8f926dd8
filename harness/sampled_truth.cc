#include "harness/sampled_truth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/number_format.h"
#include "kernels/contract/error.h"
#include "reference/moe_layer.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

using reference::Roundings;

constexpr std::pair<const char*, double Roundings::*> kNames[] = {
    {"products", &Roundings::products}, {"silu", &Roundings::silu},
    {"weights", &Roundings::weights},   {"weighted", &Roundings::weighted},
    {"partial", &Roundings::partial},   {"result", &Roundings::result}};

BasicRouting<double> widened(const Routing& r) {
  return {r.offsets, r.expert, {r.weight.begin(), r.weight.end()}};
}

void append_row(std::vector<float>& to, const std::vector<float>& from, std::int64_t row,
                std::int64_t columns) {
  const auto begin = from.begin() + row * columns;
  to.insert(to.end(), begin, begin + columns);
}

std::vector<double> tokens_in_double(const Workload& work) {
  return {work.x.begin(), work.x.end()};
}

}  // namespace

std::vector<std::string> rounding_names() {
  std::vector<std::string> names;
  for (const auto& [name, member] : kNames) names.emplace_back(name);
  return names;
}

Roundings with_roundings(DType dtype, std::span<const std::string> names) {
  Roundings r = roundings_of(dtype);
  for (const std::string& wanted : names) {
    const auto* found =
        std::ranges::find_if(kNames, [&](const auto& known) { return wanted == known.first; });
    if (found == std::end(kNames)) {
      const auto known = rounding_names();
      throw UserError(fmt::format("unknown rounding \"{}\"{}; known: {}", wanted,
                                  did_you_mean(wanted, known), comma_separated(known)));
    }
    r.*(found->second) = r.output;  // one rounding of a stored row; 0 in f32
  }
  return r;
}

SampledTruth::SampledTruth(const Workload& work, std::int64_t most) {
  const MoeShape& s = work.shape;
  const std::int64_t count = std::min(most, s.tokens);
  sample_.shape = s;
  sample_.shape.tokens = count;
  sample_.weights = work.weights;
  for (std::int64_t i = 0; i < count; ++i) {
    tokens_.push_back(i * s.tokens / count);
    append_row(sample_.x, work.x, tokens_.back(), s.hidden);
    append_row(sample_.logits, work.logits, tokens_.back(), s.experts);
  }
  routing_ = reference::route<float>(TokenChoice{}, sample_.shape, sample_.problem().batch.logits);
  const auto x = tokens_in_double(sample_);
  layer_.y = reference::moe_layer<double>(sample_.shape, *sample_.weights,
                                          packed(x.data(), count, s.hidden), widened(routing_));
}

Validation SampledTruth::judge(std::span<const float> y, const Roundings& roundings) {
  const MoeShape& s = sample_.shape;
  Validation v;
  const auto bad = std::ranges::find_if(y, [](float value) { return !std::isfinite(value); });
  if (bad != y.end()) {
    v.worst_token = (bad - y.begin()) / s.hidden;
    v.worst_error = *bad;
    v.fault = fmt::format("token {} holds {}", v.worst_token, *bad);
    return v;
  }
  if (layer_.bound.empty() || !(of_bound_ == roundings)) {
    const auto x = tokens_in_double(sample_);
    layer_.bound = reference::moe_layer_error_bound(
        s, *sample_.weights, packed(x.data(), s.tokens, s.hidden), widened(routing_), roundings);
    of_bound_ = roundings;
  }
  std::vector<float> rows;
  for (const std::int64_t t : tokens_) {
    const auto row = y.subspan(t * s.hidden, s.hidden);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  compare_rows(s, routing_, rows, layer_, v);
  if (v.worst_token >= 0) v.worst_token = tokens_[v.worst_token];
  if (!(v.worst_error <= v.bound)) {
    v.fault = fmt::format("token {} is off by {:.3g} of its size; rounding explains {:.3g}",
                          v.worst_token, v.worst_error, v.bound);
  }
  return v;
}

}  // namespace moe::harness
