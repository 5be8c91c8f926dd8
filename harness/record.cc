#include "harness/record.h"

#include <algorithm>
#include <array>
#include <variant>

#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

struct PolicyName {
  std::string_view operator()(const TokenChoice&) const { return "token-choice"; }
  std::string_view operator()(const TokenChoiceCapped&) const { return "capped"; }
  std::string_view operator()(const ExpertChoice&) const { return "expert-choice"; }
  std::string_view operator()(const TokenRounding&) const { return "token-rounding"; }
};

struct CapacityFactor {
  std::optional<double> operator()(const TokenChoice&) const { return std::nullopt; }
  std::optional<double> operator()(const TokenChoiceCapped& p) const { return p.factor; }
  std::optional<double> operator()(const ExpertChoice& p) const { return p.factor; }
  std::optional<double> operator()(const TokenRounding&) const { return std::nullopt; }
};

}  // namespace

std::string_view to_string(Status status) {
  constexpr std::array<std::string_view, 9> kNames{"ok",      "wrong",       "mistrusted",
                                                   "suspect", "unsupported", "skipped",
                                                   "crashed", "timeout",     "oom"};
  return kNames.at(static_cast<std::size_t>(status));
}

std::string_view policy_name(const RoutingPolicy& policy) {
  return std::visit(PolicyName{}, policy);
}

std::optional<double> capacity_factor(const RoutingPolicy& policy) {
  return std::visit(CapacityFactor{}, policy);
}

Roof roof_of(const Work& work, double bytes_per_second, double flops_per_second) {
  const double memory_ns = work.touched_bytes / bytes_per_second * 1e9;
  const double compute_ns = work.useful_flops / flops_per_second * 1e9;
  return {.bytes_per_second = bytes_per_second,
          .flops_per_second = flops_per_second,
          .compute_bound = compute_ns > memory_ns,
          .time_ns = std::max(memory_ns, compute_ns)};
}

std::optional<Roof> cpu_roof(const Work& work, DType dtype, const CpuCeilings& c) {
  constexpr double kMostlyBeyond = 4;  // then at most a quarter can be found in the cores' caches
  if (work.touched_bytes <= kMostlyBeyond * static_cast<double>(c.core_cache_bytes)) {
    return std::nullopt;
  }
  const bool cached = work.touched_bytes <= static_cast<double>(c.cache_bytes);
  return roof_of(work, cached ? c.cache_bytes_per_second : c.memory_bytes_per_second,
                 flops_per_second(c, dtype));
}

std::string Record::full_strategy() const {
  return strategy + "@" + std::string(to_string(backend));
}

std::string doubt(const Record& r) {
  if (!r.timing || !r.gpu_state) return {};
  std::vector<std::string> events = throttling(r.gpu_state->before);
  for (const std::string& event : throttling(r.gpu_state->after)) {
    if (std::ranges::count(events, event) == 0) events.push_back(event);
  }
  if (events.empty()) return {};
  return "the GPU's clock was held down meanwhile by " + comma_separated(events) +
         ": a run on a cooler or less limited one may be faster";
}

}  // namespace moe::harness
