#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "harness/load_stats.h"
#include "harness/machine.h"
#include "harness/measure.h"
#include "harness/validate.h"
#include "harness/work.h"
#include "kernels/contract/ceilings.h"
#include "kernels/contract/routing.h"
#include "kernels/contract/shape.h"
#include "kernels/contract/strategy.h"

namespace moe::harness {

// Meanings: results/schema.json.
enum class Status : std::uint8_t {
  kOk,
  kWrong,
  kMistrusted,
  kSuspect,
  kUnsupported,
  kSkipped,
  kCrashed,
  kTimeout,
  kOom
};
std::string_view to_string(Status status);

// "token-choice", "capped", "expert-choice", "token-rounding".
std::string_view policy_name(const RoutingPolicy& policy);
// The factor of a policy that has a capacity.
std::optional<double> capacity_factor(const RoutingPolicy& policy);

// The measured ceilings of a machine, and the one that binds this work. Time: of the roof.
struct Roof {
  double bytes_per_second = 0;
  double flops_per_second = 0;
  bool compute_bound = false;
  double time_ns = 0;
};
// The lower of the two ceilings for this work.
Roof roof_of(const Work& work, double bytes_per_second, double flops_per_second);

// The same for the CPU, run after run on the same weights: what fits the last-level cache is read
// from there, and nothing is said of what fits the cores' own to a good part.
std::optional<Roof> cpu_roof(const Work& work, DType dtype, const CpuCeilings& ceilings);

// One line of a result file: one cell. The text of to_line() obeys results/schema.json.
struct Record {
  std::string run_id{};
  std::string cell{};        // PROBLEM_ID/STRATEGY@BACKEND
  std::string problem_id{};  // SHAPE/T=TOKENS/WORKLOAD/DTYPE

  std::string shape_name{};
  MoeShape shape{};

  std::string strategy{};
  Backend backend = Backend::kCpu;
  std::string summary{};
  Execution execution{};             // how it says it goes about its work
  std::string library_algorithms{};  // empty: none, or not known
  std::string policy = "token-choice";
  std::optional<double> capacity_factor{};

  std::string workload{};
  std::string origin{};  // empty: the workload was never made
  std::string hash{};    // empty: likewise
  std::uint64_t seed = 0;
  double requested_share = 0;  // 0: nothing was asked for

  std::string cache = "warm";
  Status status = Status::kSkipped;
  std::string reason{};  // empty exactly when ok

  std::optional<Validation> validation{};
  std::optional<LoadStats> load{};
  std::optional<Work> work{};
  std::optional<Timing> timing{};  // only when ok and validated
  std::string order = "interleaved";
  std::string timing_reason{};  // these three: why there is none; empty takes a sentence of ours
  std::string stages_reason{};
  std::optional<GpuState> gpu_state{};
  std::string gpu_state_reason{};
  std::optional<Roof> roof{};
  std::string roof_reason{};
  std::optional<std::int64_t> workspace_bytes{};
  Environment environment{};
  std::string repro{};

  // Other strategies may be compared with this one by time alone: it computes the same function.
  bool dropless() const { return policy == "token-choice"; }
  std::string full_strategy() const;  // sort-and-group@cpu
};

// What should make a reader doubt the time of this cell, or nothing: heat or power held the GPU's
// clock down before or after the samples.
std::string doubt(const Record& record);

// Without the end of the line. A number that is not finite becomes null where the schema has a
// reason for it (an error of a wrong strategy); anywhere else, like a time without a passed
// validation, it is a broken promise of ours: std::logic_error.
nlohmann::ordered_json to_json(const Record& record);
std::string to_line(const Record& record);

// Reads a line back. Unknown keys are let pass, because minor versions add some. UserError, with
// FILE:LINE, on what is not a result line or is one of another major version.
Record from_line(std::string_view line, std::string_view file, std::int64_t line_number);

}  // namespace moe::harness
