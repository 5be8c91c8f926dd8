// The 64-bit descriptor by which wgmma names a matrix in shared memory, and where its elements lie.
// Source: PTX ISA 9.0, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate Instructions":
// "Matrix Descriptor Format", "Strides", "Shared Memory Matrix Layout".
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "harness/simt/execute/swizzle.h"

namespace moe::simt {

// All in bytes. K-major: the 16-byte chunks of a row run along K; MN-major: along M (of A) or N (of
// B).
struct MatrixDescriptor {
  std::uint32_t start = 0;  // shared memory address of the block
  std::uint32_t leading =
      0;  // K-major: chunk to chunk along K (not used when swizzled).
          // MN-major: pattern to pattern along MN; without swizzle, from 8 k to the next
  std::uint32_t stride =
      0;  // K-major: from 8 rows to the next 8 rows.
          // MN-major: from 8 k to the next; without swizzle, chunk to chunk along MN
  std::uint32_t base_offset = 0;  // 128-byte lines from a multiple of 1024 to the pattern's start
  Swizzle swizzle = Swizzle::kNone;
};

MatrixDescriptor decode_descriptor(std::uint64_t bits);

// What is wrong with a descriptor, as a sentence; nothing when it is well formed. Reserved bits
// must be zero; with swizzling the matrix must start in the pattern's first row, as all layouts of
// the ISA do (so that a buffer which is not aligned to the pattern is found).
std::optional<std::string> problem_of(std::uint64_t bits);

// Address of the 16-byte chunk `chunk` (counted along K) of row `row`; K-major.
std::uint32_t k_major_chunk(const MatrixDescriptor& matrix, int row, int chunk);
// Address of the 16-byte chunk `chunk` (counted along M or N) at depth `k`; MN-major.
std::uint32_t mn_major_chunk(const MatrixDescriptor& matrix, int chunk, int k);

}  // namespace moe::simt
