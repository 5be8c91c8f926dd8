#include "harness/report_csv.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace moe::harness {
namespace {

// One row, name and value side by side so that the header cannot get out of step.
class Row {
 public:
  void text(const char* name, std::string_view value) {
    std::string field(value);
    if (field.find_first_of(",\"\r\n") != field.npos) {
      for (auto at = field.find('"'); at != field.npos; at = field.find('"', at + 2))
        field.insert(at, 1, '"');
      field.insert(field.begin(), '"');
      field.push_back('"');
    }
    fields_.emplace_back(name, std::move(field));
  }
  void number(const char* name, double value) {
    text(name, std::isfinite(value) ? fmt::format("{}", value) : "");
  }
  void number(const char* name, std::int64_t value) { text(name, fmt::format("{}", value)); }
  template <class T>
  void number(const char* name, const std::optional<T>& value) {
    value ? number(name, *value) : text(name, "");
  }

  std::string line(bool header) const {
    std::string out;
    for (const auto& [name, value] : fields_)
      out.append(out.empty() ? "" : ",").append(header ? name : value);
    return out + "\n";
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_{};
};

// A member of something that may be absent.
template <class Object, class Value>
std::optional<Value> of(const std::optional<Object>& object, Value Object::*member) {
  return object ? std::optional<Value>((*object).*member) : std::nullopt;
}

void identity(Row& row, const Record& r) {
  row.text("cell", r.cell);
  row.text("problem_id", r.problem_id);
  row.text("shape", r.shape_name);
  row.number("tokens", r.shape.tokens);
  row.number("hidden", r.shape.hidden);
  row.number("ffn", r.shape.ffn);
  row.number("experts", r.shape.experts);
  row.number("top_k", r.shape.top_k);
  row.text("dtype", to_string(r.shape.dtype));
  row.text("workload", r.workload);
  row.text("seed", fmt::format("{}", r.seed));
  row.text("cache", r.cache);
  row.text("strategy", r.strategy);
  row.text("backend", to_string(r.backend));
  row.text("policy", r.policy);
  row.number("capacity_factor", r.capacity_factor);
  row.text("status", to_string(r.status));
  row.text("reason", r.reason);
}

void judgement(Row& row, const Record& r) {
  row.number("worst_error", of(r.validation, &Validation::worst_error));
  row.number("bound", of(r.validation, &Validation::bound));
  row.number("distance_from_dropless", of(r.validation, &Validation::distance_from_dropless));
  row.number("max_over_mean", of(r.load, &LoadStats::max_over_mean));
  row.number("dead_experts", of(r.load, &LoadStats::dead_experts));
  row.number("dropped_slots", of(r.load, &LoadStats::dropped_slots));
  row.number("dropped_tokens", of(r.load, &LoadStats::dropped_tokens));
  row.number("gate_mass_lost", of(r.load, &LoadStats::gate_mass_lost));
}

void times(Row& row, const Record& r) {
  const auto& t = r.timing;
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();  // an empty field
  std::array ci{kNone, kNone};
  if (t && t->median_ci95_ns) ci = *t->median_ci95_ns;
  std::optional<std::int64_t> count;
  std::optional<double> tokens_per_second;
  if (t) count = static_cast<std::int64_t>(t->samples_ns.size());
  if (t) tokens_per_second = static_cast<double>(r.shape.tokens) / (t->median_ns * 1e-9);
  row.number("samples", count);
  row.number("min_ns", of(t, &Timing::min_ns));
  row.number("p05_ns", of(t, &Timing::p05_ns));
  row.number("median_ns", of(t, &Timing::median_ns));
  row.number("median_ci95_low_ns", ci[0]);
  row.number("median_ci95_high_ns", ci[1]);
  row.number("p95_ns", of(t, &Timing::p95_ns));
  row.number("p99_ns", t ? t->p99_ns : std::nullopt);
  row.number("prepare_ns", of(t, &Timing::prepare_ns));
  row.number("tokens_per_second", tokens_per_second);
  row.number("rows_computed", of(r.work, &Work::rows_computed));
  row.number("useful_flops", of(r.work, &Work::useful_flops));
  row.number("issued_flops", of(r.work, &Work::issued_flops));
  row.number("touched_bytes", of(r.work, &Work::touched_bytes));
  row.number("workspace_bytes", r.workspace_bytes);
  row.text("library_algorithms", r.library_algorithms);
}

Row row_of(const Record& r) {
  Row row;
  identity(row, r);
  judgement(row, r);
  times(row, r);
  row.text("cpu", r.environment.cpu);
  row.number("threads", r.environment.threads);
  row.text("build_id", r.environment.build_id);
  row.text("run_id", r.run_id);
  row.text("time_utc", r.environment.time_utc);
  return row;
}

}  // namespace

std::string csv_report(const std::vector<Record>& records) {
  std::string out = row_of({}).line(true);
  for (const Record& r : records) out += row_of(r).line(false);
  return out;
}

}  // namespace moe::harness
