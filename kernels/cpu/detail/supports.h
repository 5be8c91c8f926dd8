#pragma once
#include <optional>
#include <string>

#include "kernels/contract/shape.h"

namespace moe::cpu {

// For StrategyInfo::unsupported of strategies that compute in f32 and take any sizes.
inline std::optional<std::string> f32_only(const MoeShape& shape) {
  if (shape.dtype == DType::kF32) return std::nullopt;
  return "only f32 is computed here, not " + std::string(to_string(shape.dtype));
}

}  // namespace moe::cpu
