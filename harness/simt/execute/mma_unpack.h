// Puts the elements of a fragment's register where they belong in a plain matrix, for all lanes.
#pragma once

namespace moe::simt {

// `values` are a register's elements, lane by lane, `packed` a lane. Register `reg` of A goes to
// `a`, [rows][depth]; of B to `b`, [depth][8].
void unpack_a_register(const float* values, int packed, int reg, int rows, int depth, float* a);
void unpack_b_register(const float* values, int packed, int reg, float* b);

}  // namespace moe::simt
