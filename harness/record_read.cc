#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "harness/record.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

using Json = nlohmann::json;

// An object of the line and its place in it, for the error's sentence.
class Fields {
 public:
  Fields(const Json& json, std::string place) : json_(json), place_(std::move(place)) {
    if (!json.is_object()) refuse("", fmt::format("is {}, expected an object", json.type_name()));
  }

  bool has(const char* key) const { return json_.contains(key); }
  bool null(const char* key) const { return at(key).is_null(); }
  Fields object(const char* key) const { return {at(key), place_ + "/" + key}; }

  template <class T>
  T get(const char* key) const {
    try {
      return at(key).get<T>();
    } catch (const Json::exception&) {
      refuse(key, fmt::format("cannot be {}", at(key).type_name()));
    }
  }
  template <class T>
  std::optional<T> optional(const char* key) const {
    return null(key) ? std::nullopt : std::optional<T>(get<T>(key));
  }
  std::string text(const char* key) const { return optional<std::string>(key).value_or(""); }
  // A number that was not finite came as null.
  double number_or_nan(const char* key) const {
    return optional<double>(key).value_or(std::numeric_limits<double>::quiet_NaN());
  }
  // One of the enumerators 0 .. last, by the name to_string() gives it.
  template <class Enum>
  Enum one_of(const char* key, Enum last) const {
    const auto found = get<std::string>(key);
    std::vector<std::string> known;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      known.emplace_back(to_string(static_cast<Enum>(i)));
      if (known.back() == found) return static_cast<Enum>(i);
    }
    refuse(key, fmt::format("is \"{}\", expected one of {}{}", found, comma_separated(known),
                            did_you_mean(found, known)));
  }
  [[noreturn]] void refuse(const std::string& key, const std::string& what) const {
    throw UserError(fmt::format("{}{}{} {}", place_, key.empty() ? "" : "/", key, what));
  }

 private:
  const Json& at(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) refuse(key, "is missing");
    return *found;
  }
  const Json& json_;
  std::string place_;
};

void read_identity(const Fields& f, Record& r) {
  r.run_id = f.get<std::string>("run_id");
  r.cell = f.get<std::string>("cell");
  r.problem_id = f.get<std::string>("problem_id");
  const Fields p = f.object("problem");
  r.shape_name = p.get<std::string>("shape");
  r.shape = {.tokens = p.get<std::int64_t>("tokens"),
             .hidden = p.get<std::int64_t>("hidden"),
             .ffn = p.get<std::int64_t>("ffn"),
             .experts = p.get<std::int64_t>("experts"),
             .top_k = p.get<std::int64_t>("top_k"),
             .renormalize = p.get<bool>("renormalize"),
             .dtype = p.one_of("dtype", static_cast<DType>(kDTypeNames.size() - 1))};
  const Fields s = f.object("strategy");
  r.strategy = s.get<std::string>("name");
  r.backend = s.one_of("backend", Backend::kSim);
  r.summary = s.get<std::string>("summary");
  r.policy = s.get<std::string>("policy");
  r.capacity_factor = s.optional<double>("capacity_factor");
  const Fields w = f.object("workload");
  r.workload = w.get<std::string>("name");
  r.origin = w.text("origin");
  r.hash = w.text("hash");
  r.seed = w.get<std::uint64_t>("seed");
  r.requested_share = w.optional<double>("requested_share").value_or(0);
}

Validation read_validation(const Fields& f, double distance_from_dropless) {
  return {.worst_error = f.number_or_nan("worst_error"),
          .worst_token = f.get<std::int64_t>("worst_token"),
          .bound = f.number_or_nan("bound"),
          .routing_differences = f.get<std::int64_t>("routing_differences"),
          .near_ties = f.get<std::int64_t>("near_ties"),
          .bitwise_repeatable = f.get<bool>("bitwise_repeatable"),
          .guards_intact = f.get<bool>("guards_intact"),
          .inputs_intact = f.get<bool>("inputs_intact"),
          .exact_mode = f.get<bool>("exact_mode"),
          .distance_from_dropless = distance_from_dropless,
          .fault = f.text("fault")};
}

LoadStats read_load(const Fields& f) {
  return {.tokens_per_expert = f.get<std::vector<std::int64_t>>("tokens_per_expert"),
          .max_over_mean = f.get<double>("max_over_mean"),
          .max_violation = f.get<double>("max_violation"),
          .variation = f.get<double>("variation"),
          .gini = f.get<double>("gini"),
          .entropy = f.get<double>("entropy"),
          .max_over_min = f.optional<double>("max_over_min"),
          .dead_experts = f.get<std::int64_t>("dead_experts"),
          .dropped_slots = f.get<double>("dropped_slots"),
          .dropped_tokens = f.get<double>("dropped_tokens"),
          .gate_mass_lost = f.get<double>("gate_mass_lost"),
          .pad_to_max_efficiency = f.get<double>("pad_to_max_efficiency"),
          .tile_efficiency_16 = f.get<double>("tile_efficiency_16"),
          .tile_efficiency_64 = f.get<double>("tile_efficiency_64"),
          .tile_efficiency_128 = f.get<double>("tile_efficiency_128"),
          .multinomial_floor = f.get<double>("multinomial_floor")};
}

Timing read_timing(const Fields& f) {
  Timing t{.samples_ns = f.get<std::vector<double>>("samples"),
           .runs_per_sample = f.get<std::int64_t>("runs_per_sample"),
           .min_ns = f.get<double>("min"),
           .p05_ns = f.get<double>("p05"),
           .median_ns = f.get<double>("median"),
           .p95_ns = f.get<double>("p95"),
           .median_ci95_ns = f.optional<std::array<double, 2>>("median_ci95"),
           .p99_ns = f.optional<double>("p99"),
           .prepare_ns = f.get<double>("prepare")};
  if (f.has("clock_mhz")) t.clock_mhz = f.optional<double>("clock_mhz");  // since 1.1
  if (t.samples_ns.empty()) f.refuse("samples", "is empty");
  if (!(t.median_ns > 0)) f.refuse("median", "is not a positive number");
  return t;
}

void read_stages(const Fields& f, Timing& t) {
  for (const char* name : {"route", "group", "permute", "experts", "combine"})
    if (const auto time = f.optional<double>(name)) t.stages_ns[name] = *time;
  t.unattributed_ns = f.get<double>("unattributed");
}

GpuReading read_gpu(const Fields& f) {
  return {.sm_clock_mhz = f.optional<double>("sm_clock_mhz"),
          .power_watts = f.optional<double>("power_watts"),
          .temperature_celsius = f.optional<double>("temperature_celsius"),
          .clock_events = f.optional<std::vector<std::string>>("clock_events")};
}

void read_gpu_state(const Fields& f, Record& r) {
  if (!f.has("gpu_state")) return;  // since 1.2
  r.gpu_state_reason = f.text("gpu_state_reason");
  if (f.null("gpu_state")) return;
  const Fields state = f.object("gpu_state");
  r.gpu_state = GpuState{read_gpu(state.object("before")), read_gpu(state.object("after"))};
}

Environment read_environment(const Fields& f) {
  Environment e{.cpu = f.get<std::string>("cpu"),
                .cores = f.get<std::int64_t>("cores"),
                .threads = f.get<std::int64_t>("threads"),
                .memory_bytes = f.get<std::int64_t>("memory_bytes"),
                .kernel = f.get<std::string>("kernel"),
                .hypervisor = f.get<bool>("hypervisor"),
                .governor = f.optional<std::string>("governor"),
                .governor_reason = f.text("governor_reason"),
                .load_average = f.optional<double>("load_average"),
                .compiler = f.get<std::string>("compiler"),
                .flags = f.get<std::string>("flags"),
                .build_id = f.get<std::string>("build_id"),
                .blas = f.get<std::string>("blas"),
                .isa = f.get<std::string>("isa"),
                .gpu = f.optional<std::string>("gpu"),
                .gpu_reason = f.text("gpu_reason"),
                .time_utc = f.get<std::string>("time_utc"),
                .argv = f.get<std::string>("argv")};
  if (f.has("gpu_driver")) {  // since 1.2
    e.gpu_driver = f.optional<std::string>("gpu_driver");
    e.gpu_driver_reason = f.text("gpu_driver_reason");
    e.gpu_power_limit_watts = f.optional<double>("gpu_power_limit_watts");
  }
  return e;
}

void read_outcome(const Fields& f, Record& r) {
  r.cache = f.get<std::string>("cache");
  r.status = f.one_of("status", Status::kOom);
  r.reason = f.text("reason");
  if (!f.null("validation"))
    r.validation =
        read_validation(f.object("validation"), f.number_or_nan("distance_from_dropless"));
  if (!f.null("load")) r.load = read_load(f.object("load"));
  if (!f.null("work")) {
    const Fields w = f.object("work");
    r.work = Work{.rows_computed = w.get<std::int64_t>("rows_computed"),
                  .useful_flops = w.get<double>("useful_flops"),
                  .issued_flops = w.get<double>("issued_flops"),
                  .touched_bytes = w.get<double>("touched_bytes")};
  }
  r.timing_reason = f.text("timing_reason");
  r.stages_reason = f.text("stages_reason");
  r.roof_reason = f.text("roof_reason");
  if (f.has("execution")) {  // since 1.1
    const Fields e = f.object("execution");
    r.execution = {.host_syncs = e.get<int>("host_syncs"),
                   .graph = e.get<bool>("graph"),
                   .repeatable = e.get<bool>("repeatable")};
  }
  if (f.has("library_algorithms"))
    r.library_algorithms = f.text("library_algorithms");  // since 1.2
  r.workspace_bytes = f.optional<std::int64_t>("workspace_bytes");
}

void read_times(const Fields& f, Record& r) {
  if (f.null("timing")) return;
  // A reader does not trust the writer: a time on a failed cell must not reach a ranking.
  if (r.status != Status::kOk || !r.validation || !r.validation->passed())
    f.refuse("timing", "is there although the validation did not pass");
  const Fields t = f.object("timing");
  r.timing = read_timing(t);
  r.order = t.get<std::string>("order");
  if (!f.null("stages")) read_stages(f.object("stages"), *r.timing);
  if (f.has("graph") && !f.null("graph")) {
    const Fields graph = f.object("graph");
    r.timing->graph_samples_ns = graph.get<std::vector<double>>("samples");
    r.timing->graph_operations = graph.get<std::int64_t>("operations");
  } else if (f.has("graph_reason")) {
    r.timing->graph_reason = f.text("graph_reason");
  }
  if (f.null("roof")) return;
  const Fields roof = f.object("roof");
  r.roof = Roof{.bytes_per_second = roof.get<double>("bytes_per_second"),
                .flops_per_second = roof.get<double>("flops_per_second"),
                .compute_bound = roof.get<std::string>("bound_by") == "compute",
                .time_ns = roof.get<double>("time")};
}

}  // namespace

Record from_line(std::string_view line, std::string_view file, std::int64_t line_number) {
  const std::string place = fmt::format("{}:{}:", file, line_number);
  Json json;
  try {
    json = Json::parse(line);
  } catch (const Json::exception& error) {
    throw UserError(fmt::format("{} not a JSON object: {}", place, error.what()));
  }
  const Fields f(json, place + " ");
  if (f.get<std::string>("schema") != "moebench.result")
    f.refuse("schema", "is not \"moebench.result\": not a result file");
  if (const auto version = f.get<std::string>("schema_version"); !version.starts_with("1."))
    f.refuse("schema_version", "is " + version + ", this program reads 1.x");
  Record r;
  read_identity(f, r);
  read_outcome(f, r);
  read_times(f, r);
  read_gpu_state(f, r);
  r.environment = read_environment(f.object("environment"));
  r.repro = f.get<std::string>("repro");
  return r;
}

}  // namespace moe::harness
