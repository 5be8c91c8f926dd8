// ldmatrix, stmatrix and movmatrix: 8x8 matrices of 16-bit elements between shared memory rows and
// fragments. Source: PTX ISA 9.0, "Warp Level Matrix Load Instruction: ldmatrix", "... Store ...:
// stmatrix", "Transpose ...: movmatrix".
#pragma once
#include <cstdint>
#include <vector>

#include "harness/simt/machine/decoder.h"
#include "harness/simt/machine/warp_access.h"

namespace moe::simt {

// Lane l of a fragment holds the elements (row l / 4, columns 2 * (l % 4) and the next) of an 8x8
// matrix, in the low and high half of a register.
struct Fragment8x8 {
  std::uint32_t lanes[32];
};
// The fragment of the transposed matrix.
Fragment8x8 transposed(const Fragment8x8& fragment);
// The same for lanes that hold poison: a lane of the result is poisoned when either half is.
LaneMask transposed_poison(LaneMask poisoned);

// What one ldmatrix or stmatrix says. Lane 8 j + r holds the address of row r of matrix j.
struct MatrixMove : Extra {
  AccessForm access;
  bool transpose = false;
  std::vector<Reg> matrices;  // one register each
  bool loads = true;

  void registers(std::vector<Reg>& read, std::vector<Reg>& written) const override {
    std::vector<Reg>& list = loads ? written : read;
    list.insert(list.end(), matrices.begin(), matrices.end());
    read.push_back(access.base);
  }
};

Instruction decode_ldmatrix(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_stmatrix(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers);
Instruction decode_movmatrix(Decoder& decoder, const ptx::Instruction& source,
                             Modifiers& modifiers);

}  // namespace moe::simt
