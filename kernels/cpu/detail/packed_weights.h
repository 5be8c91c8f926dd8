#pragma once
#include <cstdint>
#include <memory>

#include "kernels/contract/strategy.h"
#include "kernels/cpu/detail/isa/micro_kernels.h"
#include "kernels/cpu/detail/page_buffer.h"

namespace moe::cpu {

// One matrix of every expert in panels (isa/micro_kernels.h), expert by expert, panel by panel:
// what one product reads lies in one stream. Columns and depth are padded with zeros.
struct PanelMatrix {
  std::int64_t panels = 0;       // of one expert
  std::int64_t depth = 0;        // K, a multiple of depth_step()
  std::int64_t panel_bytes = 0;  // depth * 32 values; of int8 then the scales of the columns
  PageBuffer values{};

  const char* panel(std::int64_t expert, std::int64_t p) const {
    return values.as<char>() + (expert * panels + p) * panel_bytes;
  }
};

// The weights of a layer as the micro-kernels read them.
struct PackedWeights {
  DType dtype = DType::kF32;
  PanelMatrix gate_up{};  // 16 columns of gate beside the 16 of up that they meet; depth: H
  PanelMatrix down{};     // depth: F, padded to whole panels of gate_up

  std::int64_t bytes() const {
    return static_cast<std::int64_t>(gate_up.values.bytes() + down.values.bytes());
  }
};

// Packs for f32, bf16, int8 or int4, as shape.dtype says, on all threads.
PackedWeights pack_weights(const MoeShape& shape, const ExpertWeights& weights);

// The same, once for all who hold the result: strategies of one problem are compared side by side,
// and a layer may weigh gigabytes. The weights must live, unchanged, as long as the result.
std::shared_ptr<const PackedWeights> shared_packed_weights(const MoeShape& shape,
                                                           const ExpertWeights& weights);

// What the depth of a panel is a multiple of.
constexpr std::int64_t depth_step(DType dtype) {
  return is_integer(dtype) ? kIntegerStep : kDepthStep;
}

// Bytes of `depth` rows of a panel.
std::int64_t panel_bytes(DType dtype, std::int64_t depth);

}  // namespace moe::cpu
