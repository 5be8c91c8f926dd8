#include "kernels/contract/strategy.h"

namespace moe {

std::string full_name(const StrategyInfo& strategy) {
  return std::string(strategy.name) + "@" + std::string(to_string(strategy.backend));
}

}  // namespace moe
