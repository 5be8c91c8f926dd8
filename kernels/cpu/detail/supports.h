#pragma once
#include <optional>
#include <string>

#include "kernels/contract/shape.h"

namespace moe::cpu {

// For StrategyInfo::unsupported of strategies that multiply by expert_ffn.h and take any sizes.
inline std::optional<std::string> f32_or_bf16(const MoeShape& shape) {
  if (shape.dtype == DType::kF32 || shape.dtype == DType::kBf16) return std::nullopt;
  return "only f32 and bf16 are computed here, not " + std::string(to_string(shape.dtype));
}

}  // namespace moe::cpu
