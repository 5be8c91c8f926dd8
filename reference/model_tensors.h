#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "reference/checkpoint.h"
#include "reference/io/safetensors.h"
#include "reference/routed_experts.h"

namespace moe::reference {

// Whole models on named tensors: what `moebench model forward` and `generate` do between files.
//
//   time_moe  input F32 [B, S] ([B, S, C] where input_size C > 1); optional attention_mask I64 [B,
//   S],
//             labels like input, loss_masks F32 [B, S]
//   mixtral   input_ids I64 [B, S]; optional attention_mask I64 [B, S], labels I64 [B, S]
//
// Unknown, misshapen, NaN or out-of-range inputs are UserErrors that name file, tensor and place.

using Tensors = std::map<std::string, Tensor>;

// hidden [B, S, H]; of each sparse layer l: router_logits.l [B S, E], selected_experts.l I32
// [B S, K] best first, routing_weights.l [B S, K]. Where a strategy gave a token fewer than K
// experts, -1 and 0 fill the row; where it gave more than K the rows are longer.
// time_moe: head.h [B, S, h C] of each horizon h, and with labels ar_loss.h, ar_loss, aux_loss (not
// of a dense model) and loss, [1]. mixtral: logits [B, S, V], and with labels lm_loss, aux_loss,
// loss, [1]. Floats are F64 where Real is double, else F32.
template <class Real>
Tensors forward_tensors(const Model& model, const std::filesystem::path& input,
                        const RoutedExperts<Real>& experts);

// sequence [B, S + N]: the input and its continuation, of Real or I64; steps I32: points or words
// appended by each pass. attention_mask has to end in ones. 1 <= N <= 2^20.
template <class Real>
Tensors generate_tensors(const Model& model, const std::filesystem::path& input,
                         std::int64_t new_tokens, const RoutedExperts<Real>& experts);

}  // namespace moe::reference
