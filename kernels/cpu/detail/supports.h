#pragma once
#include <optional>
#include <string>

#include "kernels/contract/shape.h"

namespace moe::cpu {

// For StrategyInfo::unsupported of strategies that multiply by expert_ffn.h and take any sizes.
inline std::optional<std::string> packed_dtypes(const MoeShape& shape) {
  switch (shape.dtype) {
    case DType::kF32:
    case DType::kBf16:
    case DType::kInt8:
    case DType::kInt4:
      return std::nullopt;
    default:
      return "only f32, bf16, int8 and int4 are computed here, not " +
             std::string(to_string(shape.dtype));
  }
}

}  // namespace moe::cpu
