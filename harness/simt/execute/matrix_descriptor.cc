// Fields of a wgmma matrix descriptor, and the layouts it can say.
#include "harness/simt/execute/matrix_descriptor.h"

#include <fmt/format.h>

namespace moe::simt {
namespace {

// Bits 14-15, 30-31, 46-48 and 52-61 belong to no field.
constexpr std::uint64_t kReserved = 0x3ull << 14 | 0x3ull << 30 | 0x7ull << 46 | 0x3ffull << 52;

// matrix-descriptor-encode(x) = (x & 0x3ffff) >> 4, back.
std::uint32_t field(std::uint64_t bits, int shift) {
  return static_cast<std::uint32_t>(bits >> shift & 0x3fff) << 4;
}

Swizzle swizzle_of(std::uint64_t bits) {
  switch (bits >> 62) {
    case 1:
      return Swizzle::k128Bytes;
    case 2:
      return Swizzle::k64Bytes;
    case 3:
      return Swizzle::k32Bytes;
    default:
      return Swizzle::kNone;
  }
}

}  // namespace

MatrixDescriptor decode_descriptor(std::uint64_t bits) {
  MatrixDescriptor matrix;
  matrix.start = field(bits, 0);
  matrix.leading = field(bits, 16);
  matrix.stride = field(bits, 32);
  matrix.base_offset = static_cast<std::uint32_t>(bits >> 49 & 7);
  matrix.swizzle = swizzle_of(bits);
  return matrix;
}

std::optional<std::string> problem_of(std::uint64_t bits) {
  if ((bits & kReserved) != 0) {
    return fmt::format("matrix descriptor {:#018x} has reserved bits set ({:#x})", bits,
                       bits & kReserved);
  }
  const MatrixDescriptor matrix = decode_descriptor(bits);
  if (matrix.swizzle == Swizzle::kNone) {
    if (matrix.base_offset == 0) return std::nullopt;
    return fmt::format("matrix descriptor {:#018x} has base offset {} without swizzling", bits,
                       matrix.base_offset);
  }
  const std::uint32_t pattern = pattern_bytes(matrix.swizzle);
  const std::uint32_t first = matrix.start - matrix.base_offset * 128;
  if (first % pattern >= row_bytes(matrix.swizzle)) {
    return fmt::format(
        "matrix start address {:#x} is not in the first row of a {}-byte swizzle pattern: patterns "
        "start at multiples of {} bytes (base offset {})",
        matrix.start, row_bytes(matrix.swizzle), pattern, matrix.base_offset);
  }
  return std::nullopt;
}

std::uint32_t k_major_chunk(const MatrixDescriptor& matrix, int row, int chunk) {
  const bool plain = matrix.swizzle == Swizzle::kNone;
  const std::uint32_t address = matrix.start + (row % 8) * row_bytes(matrix.swizzle) +
                                (row / 8) * matrix.stride + chunk * (plain ? matrix.leading : 16);
  return swizzled(address, matrix.swizzle, matrix.base_offset);
}

std::uint32_t mn_major_chunk(const MatrixDescriptor& matrix, int chunk, int k) {
  if (matrix.swizzle == Swizzle::kNone) {
    return matrix.start + chunk * matrix.stride + (k % 8) * 16 + (k / 8) * matrix.leading;
  }
  const std::uint32_t width = row_bytes(matrix.swizzle);
  const int chunks = static_cast<int>(width / 16);
  const std::uint32_t address = matrix.start + (chunk % chunks) * 16 +
                                (chunk / chunks) * matrix.leading + (k % 8) * width +
                                (k / 8) * matrix.stride;
  return swizzled(address, matrix.swizzle, matrix.base_offset);
}

}  // namespace moe::simt
