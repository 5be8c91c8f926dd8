// Which bytes of a tensor in global memory belong to a box, and where they lie in shared memory.
// Source: PTX ISA 9.0, "Tensors: Tiled Mode", "Out of Boundary Access", "Interleave layout",
// "Swizzling Modes".
#pragma once
#include <cstdint>
#include <vector>

#include "harness/simt/execute/tensor_map.h"

namespace moe::simt {

// Consecutive elements along dimension 0.
struct BoxRow {
  std::uint32_t begin = 0;    // bytes from the start of the packed box
  std::uint32_t before = 0;   // bytes outside the tensor, then
  std::uint32_t inside = 0;   // bytes of it, then
  std::uint32_t after = 0;    // bytes outside again
  std::uint64_t address = 0;  // of the first byte inside
};

// The rows of the box at `coordinates` ([rank]; they may be negative), in the order of shared
// memory.
std::vector<BoxRow> box_rows(const TensorMap& map, const std::int32_t* coordinates);

// Bytes [begin, begin + bytes) of the packed box, as pieces that a swizzle keeps together.
struct BoxPiece {
  std::uint32_t shared = 0;  // address in shared memory
  std::uint32_t begin = 0;   // in the packed box
  std::uint32_t bytes = 0;
};
std::vector<BoxPiece> box_pieces(const TensorMap& map, std::uint32_t shared_address,
                                 std::uint32_t begin, std::uint32_t bytes);

// Whether the box fills [address, address + box_bytes) of shared memory exactly: a swizzle may
// place the last chunks of a box that ends within its span behind the end.
bool fills_its_range(const TensorMap& map);

// The eight bytes that elements outside the tensor repeat: zeros, or NaN of the element's type.
std::uint64_t fill_pattern(const TensorMap& map);

}  // namespace moe::simt
