#include "harness/trace.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <memory>

#include "harness/random.h"
#include "harness/selection.h"
#include "kernels/contract/error.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

void check_fits(const Trace& trace, const MoeShape& shape) {
  const auto expect_same = [](const char* what, std::int64_t found, std::int64_t expected) {
    if (found == expected) return;
    throw UserError(fmt::format("trace: {} is {}, expected the shape's {}", what, found, expected));
  };
  expect_same("the number of experts", trace.experts, shape.experts);
  expect_same("top_k", trace.top_k, shape.top_k);
  if (trace.tokens == 0 && shape.tokens > 0) {
    throw UserError(fmt::format("trace: has no tokens, expected some to make {} of", shape.tokens));
  }
}

std::string cropping(std::int64_t have, std::int64_t want) {
  if (want == have) return fmt::format("all {} tokens", have);
  if (want < have) return fmt::format("the first {} of {} tokens", want, have);
  return fmt::format("{} tokens over and over, {} in all", have, want);
}

}  // namespace

std::string trace_hash(const Trace& trace) {
  const std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> state(XXH64_createState(),
                                                                         XXH64_freeState);
  XXH64_reset(state.get(), 0);
  const auto add = [&](const auto& values) {
    XXH64_update(state.get(), values.data(), values.size() * sizeof values[0]);
  };
  for (const auto& layer : trace.layers) {
    add(std::vector{layer.index});
    add(layer.selected);
    add(layer.logits);
    add(layer.weights);
  }
  if (trace.input) add(trace.input->bytes);
  return fmt::format("{:016x}", XXH64_digest(state.get()));
}

const TraceLayer& trace_layer(const Trace& trace, std::int64_t index) {
  const auto found = std::ranges::find(trace.layers, index, &TraceLayer::index);
  if (found != trace.layers.end()) return *found;
  std::vector<std::string> known;
  for (const auto& layer : trace.layers) known.push_back(std::to_string(layer.index));
  throw UserError(
      fmt::format("trace: has no layer {}, expected one of {}", index, comma_separated(known)));
}

Routing trace_routing(const Trace& trace, const TraceLayer& layer) {
  Routing r{{}, layer.selected, layer.weights};
  for (std::int64_t t = 0; t <= trace.tokens; ++t) {
    r.offsets.push_back(static_cast<std::int32_t>(t * trace.top_k));
  }
  return r;
}

Workload trace_workload(const Trace& trace, std::int64_t layer, const MoeShape& shape,
                        std::shared_ptr<const ExpertWeights> weights, std::uint64_t seed) {
  check_fits(trace, shape);
  const auto& recorded = trace_layer(trace, layer).logits;
  Workload w;
  w.shape = shape;
  w.weights = std::move(weights);
  w.x = make_inputs(shape, seed);
  w.logits.reserve(static_cast<std::size_t>(shape.tokens * shape.experts));
  for (std::int64_t t = 0; t < shape.tokens; ++t) {
    const auto row = recorded.begin() + t % trace.tokens * shape.experts;
    w.logits.insert(w.logits.end(), row, row + shape.experts);
  }
  w.name = fmt::format("trace#layer={}", layer);
  w.origin = fmt::format("layer {} of {} on {}: {}", layer, trace.model, trace.data,
                         cropping(trace.tokens, shape.tokens));
  const auto logits = packed<const float>(w.logits.data(), shape.tokens, shape.experts);
  w.hash = routing_hash(top_k_ids(logits, shape.top_k), w.logits);
  return w;
}

Trace generate_trace(const std::string& generator, const MoeShape& shape, std::int64_t layers,
                     std::uint64_t seed) {
  MoeShape routers = shape;
  routers.hidden = 0;  // a trace holds choices, not activations
  Trace trace{.model = "generator " + generator,
              .data = fmt::format("seed {}", seed),
              .tokens = shape.tokens,
              .experts = shape.experts,
              .top_k = shape.top_k,
              .renormalize = shape.renormalize};
  for (std::int64_t l = 0; l < layers; ++l) {
    auto w = make_workload(generator, routers, nullptr, Draws(seed, Purpose::kLayer, l).next64());
    const auto logits = packed<const float>(w.logits.data(), shape.tokens, shape.experts);
    auto routing = reference::route<float>(TokenChoice{}, routers, logits);
    trace.layers.push_back(
        {l, std::move(w.logits), std::move(routing.expert), std::move(routing.weight)});
  }
  return trace;
}

}  // namespace moe::harness
