#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "kernels/contract/routing.h"
#include "reference/io/safetensors.h"
#include "reference/io/strict_json.h"

namespace moe::harness {

// A routing policy and what it takes from the shape.
struct PolicyFile {
  RoutingPolicy policy{};
  std::int64_t top_k = 1;
  bool renormalize = false;
};

// One of, for so many experts:
//   {"kind": "token-choice", "top_k": 2, "scores": "softmax", "renormalize": false}
//   {"kind": "switch", "factor": 1.25, "rounding": "ceil", "order": "position"}, top_k 1
//   {"kind": "capped", "top_k": 2, ...}: as switch, and `scores` and `renormalize`
//   {"kind": "expert-choice", "factor": 2, "rounding": "round"}
//   {"kind": "token-rounding", "top_k": 2, "tile": 14, "rounding": "round"}
// scores: softmax (over all experts) or softmax-selected (over the chosen, the same as softmax with
// renormalize). factor: of the even load K T / E; for expert choice the average experts a token
// gets, so that each expert takes factor T / E tokens. order: position or priority (the most
// decided tokens first). Keys left out are as above. Throws UserError.
PolicyFile read_policy(const reference::Json& json, std::int64_t experts);

// Routes `logits` [T, E] of one file by the policy of the other, in double. Returns
//   offsets I32 [T+1], expert I32, weight F32: rows in token order, experts in selection order;
//   demand I32 [E]: assignments asked for, before any was dropped; served I32 [E]: those made.
// Throws UserError; logits that are not finite are named by token and expert.
std::map<std::string, reference::Tensor> route_files(const std::filesystem::path& policy,
                                                     const std::filesystem::path& logits);

}  // namespace moe::harness
