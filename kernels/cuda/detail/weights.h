// An expert's weights as the kernels want them, made once in prepare().
#pragma once
#include <cstdint>

#include "kernels/contract/strategy.h"
#include "kernels/cuda/detail/buffer.h"

namespace moe::cuda {

// Elements of the dtype in a row of `columns`, padded to 16 bytes: TMA and 16-byte copies need it.
std::int64_t padded_stride(std::int64_t columns, DType dtype);
// Bytes of one stored element: 4, 2 or 1.
int element_bytes(DType dtype);

struct DeviceWeights {
  Buffer<std::uint8_t> gate_up;  // [E, 2 F, H]: row 2 f is gate f, row 2 f + 1 is up f
  Buffer<std::uint8_t> down;     // [E, H, F]
  Buffer<float> gate_up_scale;   // e4m3: [E, 2 F]; empty otherwise
  Buffer<float> down_scale;      // e4m3: [E, H]
  std::int64_t gate_up_stride = 0, down_stride = 0;  // elements of a row
  std::int64_t bytes() const {
    return gate_up.bytes() + down.bytes() + gate_up_scale.bytes() + down_scale.bytes();
  }
};

// The values are representable in the dtype already (shape.h), so nothing is rounded here: the
// scale of an e4m3 row, a power of two, is found again from its largest value (e4m3_scale).
DeviceWeights upload_weights(const MoeShape& shape, const ExpertWeights& weights);

}  // namespace moe::cuda
