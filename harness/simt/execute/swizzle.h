// The permutation of 16-byte chunks that tensor copies write with and wgmma reads with, so that
// both a row and a column of a tile touch all banks. Source: PTX ISA 9.0, "Swizzling Modes",
// "Shared Memory Matrix Layout".
#pragma once
#include <cstdint>

namespace moe::simt {

// Named by the width of a row of the pattern; a pattern is 8 rows and repeats.
enum class Swizzle : std::uint8_t { kNone, k32Bytes, k64Bytes, k128Bytes };

// Bytes of a row of the pattern; 16 (one chunk) without swizzling.
constexpr std::uint32_t row_bytes(Swizzle mode) { return 16u << static_cast<std::uint32_t>(mode); }

// Bytes after which the pattern repeats, and on a multiple of which it starts: 1024, 512, 256; 16
// without swizzling.
constexpr std::uint32_t pattern_bytes(Swizzle mode) {
  return mode == Swizzle::kNone ? 16 : 8 * row_bytes(mode);
}

// Where the byte at `address` of the plain layout lies. The chunk number (address bits 4 to 6, 5 or
// 4) is xor-ed with the number of the 128-byte line (bits 7 and up) counted from the pattern's
// start; `first_line`: the pattern's start is that many lines behind a multiple of 1024 bytes.
constexpr std::uint32_t swizzled(std::uint32_t address, Swizzle mode,
                                 std::uint32_t first_line = 0) {
  const std::uint32_t chunks = row_bytes(mode) / 16 - 1;  // 7, 3, 1; 0 without swizzling
  const std::uint32_t line = (address >> 7) - first_line;
  return address ^ ((line & chunks) << 4);
}

}  // namespace moe::simt
