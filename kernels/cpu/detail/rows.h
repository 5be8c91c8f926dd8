#pragma once
#include <cstdint>
#include <span>

#include "kernels/common/slots.h"
#include "kernels/contract/matrix.h"
#include "kernels/cpu/detail/top_k.h"

namespace moe::cpu {

// out[slot] = x[token[slot]]; rows of empty slots become zeros. out: [slots, H].
void gather_rows(MatrixView<const float> x, std::span<const std::int32_t> token,
                 MatrixView<float> out);

// y[t] = sum over k of weight[t, k] * expert_out[slot of (t, k)], dropped ones left out, in
// selection order: the sum's order is fixed, so the bits are. Writes every row of y.
void combine_rows(const TopK& top, std::span<const std::int32_t> slot_of_assignment,
                  MatrixView<const float> expert_out, MatrixView<float> y);

}  // namespace moe::cpu
