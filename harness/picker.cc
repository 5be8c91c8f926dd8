#include "harness/picker.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/number_format.h"
#include "harness/run_problem.h"

namespace moe::harness {
namespace {

// How near the kernels come to the ceilings: bench/README.md has the measurements they are from.
constexpr double kShareOfPeak = 0.87;       // many rows
constexpr double kShareOfMemory = 0.93;     // few rows
constexpr double kNotHidden = 0.3;          // of the lesser of reading and multiplying
constexpr std::int64_t kRowsOfAPass = 252;  // rows that share one reading of weights

double expert_seconds(const MoeShape& s, std::int64_t rows, double bytes_per_second, double peak) {
  const auto passes = static_cast<double>((rows + kRowsOfAPass - 1) / kRowsOfAPass);
  const auto matrix = static_cast<double>(3 * s.hidden * s.ffn);
  const double reading =
      passes * matrix * weight_bytes(s.dtype) / (kShareOfMemory * bytes_per_second);
  const double multiplying = 2 * matrix * static_cast<double>(rows) / (kShareOfPeak * peak);
  return std::max(reading, multiplying) + kNotHidden * std::min(reading, multiplying);
}

}  // namespace

double predicted_seconds(const MoeShape& s, const DispatchPlan& plan, const CpuCeilings& c) {
  const auto hit = std::ranges::count_if(plan.rows, [](std::int64_t n) { return n > 0; });
  const double weights = static_cast<double>(hit * 3 * s.hidden * s.ffn) * weight_bytes(s.dtype);
  const bool cached = weights <= static_cast<double>(c.cache_bytes);
  const double speed = cached ? c.cache_bytes_per_second : c.memory_bytes_per_second;
  double seconds = static_cast<double>(plan.waits) * c.call_seconds +
                   2 * plan.copied_bytes / c.cache_bytes_per_second;
  for (const std::int64_t rows : plan.rows) {
    if (rows > 0) seconds += expert_seconds(s, rows, speed, flops_per_second(c, s.dtype));
  }
  return seconds;
}

std::vector<Prediction> predict(const MoeShape& shape, std::span<const std::int64_t> tokens,
                                const CpuCeilings& ceilings) {
  std::vector<Prediction> all;
  for (const StrategyInfo* info : all_strategies()) {
    if (info->plan == nullptr || info->unsupported(shape)) continue;
    all.push_back({info, predicted_seconds(shape, info->plan(shape, tokens), ceilings)});
  }
  std::ranges::stable_sort(all, std::less{}, &Prediction::seconds);
  return all;
}

std::vector<Regret> regrets(const std::vector<Record>& records, const CpuCeilings& ceilings) {
  std::map<std::string, std::vector<const Record*>> problems;
  for (const Record& r : records) {
    const StrategyInfo* info = find_strategy(r.strategy + "@" + std::string(to_string(r.backend)));
    const bool usable = r.status == Status::kOk && r.timing && r.load && info != nullptr;
    if (usable && info->plan != nullptr) problems[r.problem_id].push_back(&r);
  }
  std::vector<Regret> all;
  for (const auto& [name, measured] : problems) {
    if (measured.size() < 2) continue;
    const auto median_of = [](const Record* r) { return r->timing->median_ns; };
    const Record* const best = *std::ranges::min_element(measured, {}, median_of);
    for (const Prediction& p : predict(best->shape, best->load->tokens_per_expert, ceilings)) {
      const auto found = std::ranges::find(measured, p.strategy->name, &Record::strategy);
      if (found == measured.end()) continue;
      all.push_back(
          {name, (*found)->strategy, best->strategy, median_of(*found) / median_of(best) - 1});
      break;
    }
  }
  return all;
}

}  // namespace moe::harness
