// The sums of products behind mma and wgmma.
#pragma once

namespace moe::simt {

// sums[m][n] = sum over k of a[m][k] * b[k][n], in float, k ascending, each product and each sum
// rounded on its own (the product of two operands of 11 significant bits is exact). Tensor cores
// add in an order nobody documents: compare with c * sum |a * b|, not bit by bit. `a` is
// [rows][depth], `b` [depth][columns], `sums` [rows][columns]; rows are a multiple of 4, columns
// of 8. Every machine gives the same bits, with AVX2 or without.
void multiply(const float* a, const float* b, float* sums, int rows, int columns, int depth);

}  // namespace moe::simt
