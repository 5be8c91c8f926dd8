// A tensor map (CUtensorMap): where a tensor lies in global memory and which box of it a copy
// takes. The real object is opaque; this is an encoding of our own with the same size and the same
// rules. Source of the rules: cuda.h of CUDA 13.0, cuTensorMapEncodeTiled.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "harness/simt/execute/swizzle.h"

namespace moe::simt {

// The numbers are those of CUtensorMapDataType, CUtensorMapSwizzle and so on.
enum class TensorElement : std::uint8_t {
  kU8,
  kU16,
  kU32,
  kS32,
  kU64,
  kS64,
  kF16,
  kF32,
  kF64,
  kBf16,
  kF32Ftz,
  kTf32,
  kTf32Ftz,
  k16U4Align8,
  k16U4Align16,
  k16U6Align16
};
enum class TensorInterleave : std::uint8_t { kNone, k16B, k32B };
enum class TensorSwizzle : std::uint8_t {
  kNone,
  k32B,
  k64B,
  k128B,
  k128BAtom32B,
  k128BAtom32BFlip8B,
  k128BAtom64B
};
enum class TensorFill : std::uint8_t { kZero, kNan };

inline constexpr int kMostTensorDims = 5;
inline constexpr std::size_t kTensorMapBytes = 128;
inline constexpr std::size_t kTensorMapAlignment = 64;

struct TensorMap {
  std::uint64_t magic = 0;
  std::uint64_t address = 0;                        // of the first element, a device pointer
  std::uint64_t strides[kMostTensorDims - 1] = {};  // bytes; of dimensions 1 and up
  std::uint32_t last[kMostTensorDims] = {};         // the size of each dimension, minus 1
  std::uint16_t box[kMostTensorDims] = {};          // elements traversed along each dimension
  std::uint8_t element_strides[kMostTensorDims] = {};
  TensorElement element{};
  std::uint8_t rank = 0;
  TensorInterleave interleave{};
  TensorSwizzle swizzle{};
  TensorFill fill{};
  std::uint8_t unused[32] = {};
  std::uint32_t checksum = 0;  // of all before it

  std::uint64_t size(int dim) const { return std::uint64_t{last[dim]} + 1; }
  // Elements a copy moves along a dimension: every element_strides[dim]-th of the box.
  std::uint32_t copied(int dim) const;
  std::uint32_t box_bytes() const;  // in shared memory
};
static_assert(sizeof(TensorMap) == kTensorMapBytes);

int element_bytes(TensorElement element);

// What cuTensorMapEncodeTiled is given. The numbers are not trusted: enumerations come as integers.
struct TensorMapRequest {
  int element = 0;
  std::uint32_t rank = 0;
  std::uint64_t address = 0;
  const std::uint64_t* sizes = nullptr;            // [rank]
  const std::uint64_t* strides = nullptr;          // [rank - 1]
  const std::uint32_t* box = nullptr;              // [rank]
  const std::uint32_t* element_strides = nullptr;  // [rank]
  int interleave = 0, swizzle = 0, l2_promotion = 0, fill = 0;
};

// Writes the map to `map` (128 bytes, aligned to 64). Returns what is wrong with the request, in
// one sentence (the driver answers CUDA_ERROR_INVALID_VALUE); empty: encoded.
std::string encode_tensor_map(const TensorMapRequest& request, void* map);

// The same tensor at another address. Returns what is wrong with it; empty: done.
std::string replace_address(void* map, std::uint64_t address);

// Nothing if the bytes are not a map that encode_tensor_map has written.
std::optional<TensorMap> decode_tensor_map(const void* bytes);

// The chunk permutation of a map's swizzle. The pattern depends on the address in shared memory,
// not on where the box begins. Source: CUDA C++ Programming Guide, "Tensor Memory Access: Shared
// memory bank swizzling".
inline Swizzle chunk_swizzle(TensorSwizzle swizzle) { return static_cast<Swizzle>(swizzle); }

}  // namespace moe::simt
