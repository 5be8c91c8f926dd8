// Encoding and decoding of tensor maps.
#include "harness/simt/execute/tensor_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace moe::simt {
namespace {

constexpr std::uint64_t kMagic = 0x70616d726f736e74;  // "tnsormap"

std::uint32_t checksum_of(const TensorMap& map) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  const auto* bytes = reinterpret_cast<const unsigned char*>(&map);
  for (std::size_t i = 0; i < offsetof(TensorMap, checksum); ++i)
    hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

bool is_float(TensorElement element) {
  return element >= TensorElement::kF16 && element <= TensorElement::kTf32Ftz;
}

std::string wrong_kind(const TensorMapRequest& request) {
  if (request.element < 0 || request.element > static_cast<int>(TensorElement::k16U6Align16)) {
    return fmt::format("there is no tensor data type {}", request.element);
  }
  if (request.element >= static_cast<int>(TensorElement::k16U4Align8)) {
    return "packed 4- and 6-bit tensors are not simulated";
  }
  if (request.interleave < 0 || request.interleave > 2) {
    return fmt::format("there is no interleave {}", request.interleave);
  }
  if (request.swizzle < 0 || request.swizzle > static_cast<int>(TensorSwizzle::k128BAtom64B)) {
    return fmt::format("there is no swizzle {}", request.swizzle);
  }
  if (request.swizzle > static_cast<int>(TensorSwizzle::k128B)) {
    return "the 128B swizzles with atoms of 32 or 64 bytes are not simulated";
  }
  if (request.l2_promotion < 0 || request.l2_promotion > 3) {
    return fmt::format("there is no L2 promotion {}", request.l2_promotion);
  }
  if (request.fill < 0 || request.fill > 1) return fmt::format("there is no fill {}", request.fill);
  if (request.fill == 1 && !is_float(static_cast<TensorElement>(request.element))) {
    return "only floating-point tensors can be filled with NaN";
  }
  return {};
}

std::string wrong_tensor(const TensorMapRequest& request, bool interleaved) {
  if (request.rank < 1 || request.rank > kMostTensorDims) {
    return fmt::format("the rank is 1 to 5, not {}", request.rank);
  }
  if (interleaved && request.rank < 3) {
    return fmt::format("an interleaved tensor has a rank of at least 3, not {}", request.rank);
  }
  const unsigned grain = request.interleave == static_cast<int>(TensorInterleave::k32B) ? 32 : 16;
  if (request.address % grain != 0) {
    return fmt::format("the tensor's address {:#x} is not a multiple of {}", request.address,
                       grain);
  }
  for (unsigned dim = 0; dim < request.rank; ++dim) {
    if (request.sizes[dim] < 1 || request.sizes[dim] > (1ull << 32)) {
      return fmt::format("the size of dimension {} is 1 to 2^32, not {}", dim, request.sizes[dim]);
    }
  }
  for (unsigned dim = 1; dim < request.rank; ++dim) {
    const std::uint64_t stride = request.strides[dim - 1];
    if (stride % grain != 0 || stride >= (1ull << 40)) {
      return fmt::format("the stride of dimension {}, {} bytes, is not a multiple of {} below 2^40",
                         dim, stride, grain);
    }
  }
  return {};
}

std::string wrong_box(const TensorMapRequest& request, bool interleaved) {
  for (unsigned dim = 0; dim < request.rank; ++dim) {
    if (request.box[dim] < 1 || request.box[dim] > 256) {
      return fmt::format("the box takes 1 to 256 elements along dimension {}, not {}", dim,
                         request.box[dim]);
    }
    if (request.element_strides[dim] < 1 || request.element_strides[dim] > 8) {
      return fmt::format("the element stride of dimension {} is 1 to 8, not {}", dim,
                         request.element_strides[dim]);
    }
  }
  const auto swizzle = static_cast<TensorSwizzle>(request.swizzle);
  if (interleaved) {
    if (request.interleave == static_cast<int>(TensorInterleave::k32B) &&
        swizzle != TensorSwizzle::k32B) {
      return "32B interleave takes the 32B swizzle only";
    }
    return {};
  }
  const std::uint32_t inner =
      request.box[0] * element_bytes(static_cast<TensorElement>(request.element));
  if (inner % 16 != 0) {
    return fmt::format("the box's inner dimension, {} bytes, is not a multiple of 16", inner);
  }
  if (swizzle != TensorSwizzle::kNone && inner > row_bytes(chunk_swizzle(swizzle))) {
    return fmt::format("the box's inner dimension, {} bytes, is longer than the swizzle's {}",
                       inner, row_bytes(chunk_swizzle(swizzle)));
  }
  return {};
}

}  // namespace

int element_bytes(TensorElement element) {
  switch (element) {
    case TensorElement::kU8:
      return 1;
    case TensorElement::kU16:
    case TensorElement::kF16:
    case TensorElement::kBf16:
      return 2;
    case TensorElement::kU64:
    case TensorElement::kS64:
    case TensorElement::kF64:
      return 8;
    default:
      return 4;
  }
}

std::uint32_t TensorMap::copied(int dim) const {
  // Without interleave the stride of dimension 0 is ignored.
  const std::uint32_t stride =
      dim == 0 && interleave == TensorInterleave::kNone ? 1 : element_strides[dim];
  return (box[dim] + stride - 1) / stride;
}

std::uint32_t TensorMap::box_bytes() const {
  std::uint32_t bytes = element_bytes(element);
  for (int dim = 0; dim < rank; ++dim) bytes *= copied(dim);
  return bytes;
}

std::string encode_tensor_map(const TensorMapRequest& request, void* map) {
  if (reinterpret_cast<std::uintptr_t>(map) % kTensorMapAlignment != 0) {
    return fmt::format("the map's own address {} is not a multiple of 64", fmt::ptr(map));
  }
  const bool interleaved = request.interleave != 0;
  std::string wrong = wrong_kind(request);
  if (wrong.empty()) wrong = wrong_tensor(request, interleaved);
  if (wrong.empty()) wrong = wrong_box(request, interleaved);
  if (!wrong.empty()) return wrong;

  TensorMap encoded;
  encoded.magic = kMagic;
  encoded.address = request.address;
  encoded.element = static_cast<TensorElement>(request.element);
  encoded.rank = static_cast<std::uint8_t>(request.rank);
  for (unsigned dim = 0; dim < request.rank; ++dim) {
    encoded.last[dim] = static_cast<std::uint32_t>(request.sizes[dim] - 1);
    encoded.box[dim] = static_cast<std::uint16_t>(request.box[dim]);
    encoded.element_strides[dim] = static_cast<std::uint8_t>(request.element_strides[dim]);
    if (dim > 0) encoded.strides[dim - 1] = request.strides[dim - 1];
  }
  encoded.interleave = static_cast<TensorInterleave>(request.interleave);
  encoded.swizzle = static_cast<TensorSwizzle>(request.swizzle);
  encoded.fill = static_cast<TensorFill>(request.fill);
  encoded.checksum = checksum_of(encoded);
  std::memcpy(map, &encoded, sizeof(encoded));
  return {};
}

std::optional<TensorMap> decode_tensor_map(const void* bytes) {
  TensorMap map;
  std::memcpy(&map, bytes, sizeof(map));
  if (map.magic != kMagic || map.checksum != checksum_of(map)) return std::nullopt;
  return map;
}

std::string replace_address(void* map, std::uint64_t address) {
  std::optional<TensorMap> changed = decode_tensor_map(map);
  if (!changed) return "it is not a tensor map that was encoded";
  const std::uint64_t alignment = changed->interleave == TensorInterleave::k32B ? 32 : 16;
  if (address % alignment != 0) {
    return fmt::format("the tensor's address {:#x} is not a multiple of {}", address, alignment);
  }
  changed->address = address;
  changed->checksum = checksum_of(*changed);
  std::memcpy(map, &*changed, sizeof(*changed));
  return {};
}

}  // namespace moe::simt
