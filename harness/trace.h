#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/workload.h"
#include "kernels/contract/routing.h"
#include "reference/io/safetensors.h"

namespace moe::harness {

// What the routers of a model did with N tokens: a recording to replay instead of a guess.
struct TraceLayer {
  std::int64_t index = 0;                // the model's number of the layer, from 0
  std::vector<float> logits{};           // [N, E]
  std::vector<std::int32_t> selected{};  // [N, K] best first
  std::vector<float> weights{};          // [N, K]
};
struct Trace {
  std::string model{};  // in words: where the routers come from
  std::string data{};   // in words: what the tokens were
  std::int64_t tokens = 0;
  std::int64_t experts = 0;
  std::int64_t top_k = 0;
  bool renormalize = true;           // weights: softmax over the chosen K; false: over all E
  std::vector<TraceLayer> layers{};  // ascending index
  std::optional<reference::Tensor> input{};  // what the model read: N elements, any shape
};

// 16 hex digits: XXH64 over each layer's index (i64), ids, logits and weights, then the input.
std::string trace_hash(const Trace& trace);

// A trace as a .safetensors file: router_logits.L F32 [N, E], selected_experts.L I32 [N, K],
// routing_weights.L F32 [N, K] for each layer L, perhaps `input`; metadata kind, version, model,
// data, experts, top_k, renormalize, layers, tokens, hash.
void write_trace(const std::filesystem::path& path, const Trace& trace);

// Reads and checks one. Another kind of file, missing, surplus or misshapen tensors, logits or
// weights that are not finite, ids out of range, twice in a row or not the row's largest logits in
// falling order (equal logits in any order), and contents that differ from the hash are UserErrors
// that name file, tensor and token.
Trace read_trace(const std::filesystem::path& path);

// The layer of that number. Throws UserError where the trace has none.
const TraceLayer& trace_layer(const Trace& trace, std::int64_t index);

// The recorded choice of one layer, nothing dropped.
Routing trace_routing(const Trace& trace, const TraceLayer& layer);

// The first shape.tokens of a layer's logits, or all of them over and over until there are as many;
// Workload.origin says which. The tokens' values are made from the seed. UserError where the
// trace's E or K are not the shape's, or where it has no tokens and the shape wants some.
Workload trace_workload(const Trace& trace, std::int64_t layer, const MoeShape& shape,
                        std::shared_ptr<const ExpertWeights> weights, std::uint64_t seed);

// A trace of `layers` layers whose choices follow a generator of make_workload(), each layer by a
// seed of its own. Uses shape.tokens, experts, top_k and renormalize.
Trace generate_trace(const std::string& generator, const MoeShape& shape, std::int64_t layers,
                     std::uint64_t seed);

}  // namespace moe::harness
