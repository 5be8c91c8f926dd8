#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/record.h"
#include "harness/statistics.h"

// One function for each object of results/schema.json, keys in its order.
namespace moe::harness {
namespace {

using Json = nlohmann::ordered_json;

// nlohmann writes NaN as null without a word. Nothing here may be lost like that.
double finite(double value, std::string_view key) {
  if (!std::isfinite(value))
    throw std::logic_error(fmt::format("result line: {} is {}, not a finite number", key, value));
  return value;
}

// A share may leave [0, 1] by what adding up in another order costs, and by no more.
double share(double value, std::string_view key) {
  if (!(value >= -1e-9 && value <= 1 + 1e-9))
    throw std::logic_error(fmt::format("result line: {} is {}, not between 0 and 1", key, value));
  return std::clamp(value, 0.0, 1.0);
}

Json finite_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

template <class T>
Json or_null(const std::optional<T>& value, std::string_view key) {
  if (!value) return nullptr;
  if constexpr (std::is_floating_point_v<T>) return finite(*value, key);
  return *value;
}

Json problem(const Record& r) {
  return {{"shape", r.shape_name},
          {"tokens", r.shape.tokens},
          {"hidden", r.shape.hidden},
          {"ffn", r.shape.ffn},
          {"experts", r.shape.experts},
          {"top_k", r.shape.top_k},
          {"renormalize", r.shape.renormalize},
          {"dtype", to_string(r.shape.dtype)}};
}

Json strategy(const Record& r) {
  return {{"name", r.strategy},
          {"backend", to_string(r.backend)},
          {"summary", r.summary},
          {"policy", r.policy},
          {"capacity_factor", or_null(r.capacity_factor, "/strategy/capacity_factor")}};
}

Json workload(const Record& r) {
  const bool asked = r.requested_share > 0;
  return {{"name", r.workload},
          {"origin", text_or_null(r.origin)},
          {"seed", r.seed},
          {"hash", text_or_null(r.hash)},
          {"requested_share",
           asked ? Json(share(r.requested_share, "/workload/requested_share")) : Json(nullptr)}};
}

// Why a validation did not pass, never empty then: the judge's words, and the numbers JSON cannot
// hold.
std::string fault_of(const Validation& v) {
  if (v.passed()) return "";
  std::string fault = v.fault;
  const std::string_view numbers = "; the worst error is ";  // a line read back has them already
  if (fault.empty())
    fault = fmt::format("token {} has an error of {}, over the bound of {}", v.worst_token,
                        v.worst_error, v.bound);
  else if (!(std::isfinite(v.worst_error) && std::isfinite(v.bound)) &&
           fault.find(numbers) == fault.npos)
    fault += fmt::format("{}{}, the bound {}", numbers, v.worst_error, v.bound);
  return fault;
}

Json validation(const Validation& v) {
  if (v.passed()) {  // an infinite bound would pass anything
    finite(v.bound, "/validation/bound");
    finite(v.distance_from_dropless, "/distance_from_dropless");
  }
  return {{"passed", v.passed()},
          {"worst_error", finite_or_null(v.worst_error)},
          {"worst_token", v.worst_token},
          {"bound", finite_or_null(v.bound)},
          {"routing_differences", v.routing_differences},
          {"near_ties", v.near_ties},
          {"bitwise_repeatable", v.bitwise_repeatable},
          {"guards_intact", v.guards_intact},
          {"inputs_intact", v.inputs_intact},
          {"exact_mode", v.exact_mode},
          {"fault", text_or_null(fault_of(v))}};
}

Json load(const LoadStats& s) {
  return {{"tokens_per_expert", s.tokens_per_expert},
          {"max_over_mean", finite(s.max_over_mean, "/load/max_over_mean")},
          {"max_violation", finite(s.max_violation, "/load/max_violation")},
          {"variation", finite(s.variation, "/load/variation")},
          {"gini", share(s.gini, "/load/gini")},
          {"entropy", share(s.entropy, "/load/entropy")},
          {"max_over_min", or_null(s.max_over_min, "/load/max_over_min")},
          {"dead_experts", s.dead_experts},
          {"dropped_slots", finite(s.dropped_slots, "/load/dropped_slots")},
          {"dropped_tokens", share(s.dropped_tokens, "/load/dropped_tokens")},
          {"gate_mass_lost", finite(s.gate_mass_lost, "/load/gate_mass_lost")},
          {"pad_to_max_efficiency", share(s.pad_to_max_efficiency, "/load/pad_to_max_efficiency")},
          {"tile_efficiency_16", share(s.tile_efficiency_16, "/load/tile_efficiency_16")},
          {"tile_efficiency_64", share(s.tile_efficiency_64, "/load/tile_efficiency_64")},
          {"tile_efficiency_128", share(s.tile_efficiency_128, "/load/tile_efficiency_128")},
          {"multinomial_floor", finite(s.multinomial_floor, "/load/multinomial_floor")}};
}

Json too_few(std::size_t count, std::string_view what, int needed) {
  return fmt::format("{} samples; a 95 % interval for the {} needs {}", count, what, needed);
}

Json timing(const Timing& t, const std::string& order) {
  const std::size_t count = t.samples_ns.size();
  if (count == 0) throw std::logic_error("result line: a timing without samples");
  for (const double sample : t.samples_ns) finite(sample, "/timing/samples");
  Json ci = nullptr;
  if (t.median_ci95_ns)
    ci = {finite((*t.median_ci95_ns)[0], "/timing/median_ci95"),
          finite((*t.median_ci95_ns)[1], "/timing/median_ci95")};
  return {{"unit", "ns"},
          {"samples", t.samples_ns},
          {"count", count},
          {"runs_per_sample", t.runs_per_sample},
          {"min", finite(t.min_ns, "/timing/min")},
          {"p05", finite(t.p05_ns, "/timing/p05")},
          {"median", finite(t.median_ns, "/timing/median")},
          {"p95", finite(t.p95_ns, "/timing/p95")},
          {"median_ci95", ci},
          {"median_ci95_reason", t.median_ci95_ns ? Json(nullptr) : too_few(count, "median", 6)},
          {"p99", or_null(t.p99_ns, "/timing/p99")},
          {"p99_reason", t.p99_ns ? Json(nullptr) : too_few(count, "p99", 368)},
          {"prepare", finite(t.prepare_ns, "/timing/prepare")},
          {"order", order},
          {"clock_mhz", or_null(t.clock_mhz, "/timing/clock_mhz")}};
}

Json stages(const Timing& t) {
  if (t.stages_ns.empty()) return nullptr;
  Json out = Json::object();
  for (const char* name : {"route", "group", "permute", "experts", "combine"}) {
    const auto found = t.stages_ns.find(name);
    out[name] = found == t.stages_ns.end() ? Json(nullptr) : Json(finite(found->second, name));
  }
  for (const auto& [name, time] : t.stages_ns)
    if (!out.contains(name))
      throw std::logic_error(fmt::format("result line: \"{}\" is not a stage", name));
  out["unattributed"] = finite(t.unattributed_ns, "/stages/unattributed");
  return out;
}

Json graph(const Timing& t) {
  if (t.graph_samples_ns.empty()) return nullptr;
  for (const double sample : t.graph_samples_ns) finite(sample, "/graph/samples");
  return {{"samples", t.graph_samples_ns},
          {"median", median(t.graph_samples_ns)},
          {"operations", t.graph_operations}};
}

Json execution(const Execution& e) {
  return {{"host_syncs", e.host_syncs}, {"graph", e.graph}, {"repeatable", e.repeatable}};
}

Json work(const Record& r) {
  if (!r.work) return nullptr;
  Json tokens_rate = nullptr;
  Json flops_rate = nullptr;
  if (r.timing) {
    const double seconds = r.timing->median_ns * 1e-9;
    tokens_rate = finite(static_cast<double>(r.shape.tokens) / seconds, "/work/tokens_per_second");
    flops_rate = finite(r.work->useful_flops / seconds, "/work/useful_flops_per_second");
  }
  return {{"rows_computed", r.work->rows_computed},
          {"useful_flops", finite(r.work->useful_flops, "/work/useful_flops")},
          {"issued_flops", finite(r.work->issued_flops, "/work/issued_flops")},
          {"touched_bytes", finite(r.work->touched_bytes, "/work/touched_bytes")},
          {"tokens_per_second", tokens_rate},
          {"useful_flops_per_second", flops_rate}};
}

Json roof(const Record& r) {
  if (!r.roof || !r.timing) return nullptr;
  return {{"bytes_per_second", finite(r.roof->bytes_per_second, "/roof/bytes_per_second")},
          {"flops_per_second", finite(r.roof->flops_per_second, "/roof/flops_per_second")},
          {"bound_by", r.roof->compute_bound ? "compute" : "memory"},
          {"time", finite(r.roof->time_ns, "/roof/time")},
          {"share", finite(r.roof->time_ns / r.timing->median_ns, "/roof/share")}};
}

Json gpu_reading(const GpuReading& g) {
  return {{"sm_clock_mhz", or_null(g.sm_clock_mhz, "/gpu_state/sm_clock_mhz")},
          {"power_watts", or_null(g.power_watts, "/gpu_state/power_watts")},
          {"temperature_celsius", or_null(g.temperature_celsius, "/gpu_state/temperature_celsius")},
          {"clock_events", g.clock_events ? Json(*g.clock_events) : Json(nullptr)}};
}

Json gpu_state(const Record& r) {
  if (!r.gpu_state || !r.timing) return nullptr;
  return {{"before", gpu_reading(r.gpu_state->before)}, {"after", gpu_reading(r.gpu_state->after)}};
}

Json environment(const Environment& e) {
  return {{"cpu", e.cpu},
          {"cores", e.cores},
          {"threads", e.threads},
          {"memory_bytes", e.memory_bytes},
          {"kernel", e.kernel},
          {"hypervisor", e.hypervisor},
          {"governor", or_null(e.governor, "/environment/governor")},
          {"governor_reason", text_or_null(e.governor_reason)},
          {"load_average", or_null(e.load_average, "/environment/load_average")},
          {"compiler", e.compiler},
          {"flags", e.flags},
          {"build_id", e.build_id},
          {"blas", e.blas},
          {"isa", e.isa},
          {"gpu", or_null(e.gpu, "/environment/gpu")},
          {"gpu_reason", text_or_null(e.gpu_reason)},
          {"gpu_driver", or_null(e.gpu_driver, "/environment/gpu_driver")},
          {"gpu_driver_reason", text_or_null(e.gpu_driver_reason)},
          {"gpu_power_limit_watts",
           or_null(e.gpu_power_limit_watts, "/environment/gpu_power_limit_watts")},
          {"time_utc", e.time_utc},
          {"argv", e.argv}};
}

// The reason of a null: the caller's, or one that is true of every line like this.
Json reason(const Json& value, const std::string& given, std::string_view otherwise) {
  if (!value.is_null()) return nullptr;
  return given.empty() ? Json(otherwise) : Json(given);
}

// What the schema would refuse is stopped here, where the stack still says who did it.
void keep_promises(const Record& r) {
  const bool ok = r.status == Status::kOk;
  const bool passed = r.validation && r.validation->passed();
  if (ok && !passed)
    throw std::logic_error(r.cell + ": a result line cannot be ok without a passed validation");
  if (r.status == Status::kWrong && (!r.validation || passed))
    throw std::logic_error(r.cell + ": a result line cannot be wrong without a failed validation");
  if (r.timing && !ok)
    throw std::logic_error(r.cell + ": a result line has a time, but its status is " +
                           std::string(to_string(r.status)));
  if (ok != r.reason.empty())
    throw std::logic_error(r.cell + ": a result line has a reason exactly when it is not ok");
}

}  // namespace

Json to_json(const Record& r) {
  keep_promises(r);
  const Json stages_value = r.timing ? stages(*r.timing) : Json(nullptr);
  const Json roof_value = roof(r);
  const Json timing_value = r.timing ? timing(*r.timing, r.order) : Json(nullptr);
  Json line;
  line["schema"] = "moebench.result";
  line["schema_version"] = "1.2.0";
  line["run_id"] = r.run_id;
  line["cell"] = r.cell;
  line["problem_id"] = r.problem_id;
  line["problem"] = problem(r);
  line["strategy"] = strategy(r);
  line["workload"] = workload(r);
  line["cache"] = r.cache;
  line["status"] = to_string(r.status);
  line["reason"] = text_or_null(r.reason);
  line["validation"] = r.validation ? validation(*r.validation) : Json(nullptr);
  line["distance_from_dropless"] =
      r.validation ? finite_or_null(r.validation->distance_from_dropless) : Json(nullptr);
  line["load"] = r.load ? load(*r.load) : Json(nullptr);
  line["timing"] = timing_value;
  line["timing_reason"] =
      reason(timing_value, r.timing_reason,
             r.status == Status::kOk ? "this run did not time"
                                     : "only a cell whose status is ok carries a time");
  line["stages"] = stages_value;
  line["stages_reason"] = reason(
      stages_value, r.stages_reason,
      r.timing ? "the strategy is fused: it has no stages" : "only a cell with a time has stages");
  const Json graph_value = r.timing ? graph(*r.timing) : Json(nullptr);
  line["graph"] = graph_value;
  line["graph_reason"] = reason(graph_value, r.timing ? r.timing->graph_reason : "",
                                "only a cell with a time is recorded and launched again");
  line["execution"] = execution(r.execution);
  line["library_algorithms"] = text_or_null(r.library_algorithms);
  const Json gpu_value = gpu_state(r);
  line["gpu_state"] = gpu_value;
  line["gpu_state_reason"] =
      reason(gpu_value, r.gpu_state_reason, "only a cell with a time on a GPU has one");
  line["work"] = work(r);
  line["roof"] = roof_value;
  line["roof_reason"] = reason(roof_value, r.roof_reason, "ceilings were not measured in this run");
  line["workspace_bytes"] = or_null(r.workspace_bytes, "/workspace_bytes");
  line["environment"] = environment(r.environment);
  line["repro"] = r.repro;
  return line;
}

std::string to_line(const Record& r) {
  // Text of a crashed worker may be anything; a line is UTF-8.
  return to_json(r).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace moe::harness
