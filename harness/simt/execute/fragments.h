// Which lane holds which element of a matrix: closed formulas. Source: PTX ISA 9.0, "Matrix
// Fragments for mma...", "Register Fragments" of wgmma. One rule covers all dense shapes: a
// register holds `packed` elements that follow each other along K; with g = lane / 4 and t = lane %
// 4, the registers of A step first through the blocks of 8 rows, then through K.
#pragma once

namespace moe::simt {

struct Position {
  int row;
  int column;
  bool operator==(const Position&) const = default;
};

// Elements of one 32-bit register; f64 has one in 64 bits.
constexpr int packed_elements(int element_bits) {
  return element_bits == 64 ? 1 : 32 / element_bits;
}

// Of element a[`element`] in the matrix A of mma with `rows` (8 or 16) rows: row m, column k. For
// wgmma with A in registers the same, 16 rows a warp.
constexpr Position position_in_a(int lane, int element, int packed, int rows) {
  const int blocks = rows / 8;
  const int reg = element / packed;
  return {lane / 4 + 8 * (reg % blocks),
          4 * packed * (reg / blocks) + packed * (lane % 4) + element % packed};
}

// Of b[`element`] in B: row k, column n.
constexpr Position position_in_b(int lane, int element, int packed) {
  return {4 * packed * (element / packed) + packed * (lane % 4) + element % packed, lane / 4};
}

// Of c[`element`] in C and D of any accumulator type: row m, column n. For wgmma the same within a
// warp's 16 rows; columns go on in blocks of 8.
constexpr Position position_in_c(int lane, int element) {
  return {lane / 4 + 8 * (element / 2 % 2), 8 * (element / 4) + 2 * (lane % 4) + element % 2};
}

}  // namespace moe::simt
