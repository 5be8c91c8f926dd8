#include "harness/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "harness/text.h"

namespace moe::harness {
namespace {

std::array<double, 2> interval(const Timing& t) {
  if (t.median_ci95_ns) return *t.median_ci95_ns;
  const auto [low, high] = std::ranges::minmax(t.samples_ns);
  return {low, high};
}

bool overlap(const Timing& a, const Timing& b) {
  const auto x = interval(a);
  const auto y = interval(b);
  return x[0] <= y[1] && y[0] <= x[1];
}

// Names of columns leave out what goes without saying: the processor as backend, a backend that is
// everywhere the same, a factor used once.
struct Names {
  bool backends = false;
  std::set<std::string> swept{};  // strategies with more than one capacity factor

  explicit Names(const std::vector<Record>& records) {
    std::map<std::string, std::optional<double>> factor;
    for (const Record& r : records) {
      backends = backends || r.backend != records.front().backend;
      const auto [at, first] = factor.try_emplace(r.full_strategy(), r.capacity_factor);
      if (!first && at->second != r.capacity_factor) swept.insert(r.full_strategy());
    }
  }
  std::string operator()(const Record& r) const {
    std::string name = backends && r.backend != Backend::kCpu ? r.full_strategy() : r.strategy;
    if (swept.contains(r.full_strategy()) && r.capacity_factor)
      name += fmt::format(" {:g}", *r.capacity_factor);
    return printable(name);
  }
};

bool faster(const Record* a, const Record* b) {
  return b == nullptr || std::tuple(!a->dropless(), a->timing->median_ns) <
                             std::tuple(!b->dropless(), b->timing->median_ns);
}

void judge(SummaryRow& row) {
  for (const SummaryCell& c : row.cells)
    if (c.record != nullptr && c.record->timing) {
      if (faster(c.record, row.base)) row.base = c.record;
      if (c.record->dropless()) ++row.competitors;
    }
  if (row.base == nullptr) return;
  for (SummaryCell& c : row.cells) {
    if (c.record == nullptr || !c.record->timing) continue;
    c.ratio = c.record->timing->median_ns / row.base->timing->median_ns;
    c.best = c.record->dropless() && overlap(*c.record->timing, *row.base->timing);
    if (c.best) ++row.best;
  }
}

Family make_family(std::string title, const std::vector<const Record*>& records,
                   const Names& name) {
  Family family{.title = std::move(title)};
  std::map<std::int64_t, std::map<std::string, const Record*>> by_tokens;
  for (const bool competing : {true, false})
    for (const Record* r : records) {
      if (r->dropless() != competing) continue;
      if (std::ranges::find(family.columns, name(*r)) == family.columns.end())
        family.columns.push_back(name(*r));
      by_tokens[r->shape.tokens][name(*r)] = r;
    }
  for (const auto& [tokens, cells] : by_tokens) {
    SummaryRow row{.tokens = tokens};
    for (const std::string& column : family.columns) {
      const auto found = cells.find(column);
      row.cells.push_back({.record = found == cells.end() ? nullptr : found->second});
    }
    judge(row);
    family.rows.push_back(std::move(row));
  }
  return family;
}

// "trace:a/b/model.trace.safetensors#layer=3" as "trace of model, layer 3"; others as they are.
std::string workload_label(const std::string& workload) {
  static const std::string kEnd = ".safetensors#layer=";
  const std::size_t end = workload.find(kEnd);
  if (!workload.starts_with("trace:") || end == std::string::npos) return workload;
  const std::size_t slash = workload.rfind('/', end);
  const std::size_t begin = slash == std::string::npos ? std::string("trace:").size() : slash + 1;
  std::string model = workload.substr(begin, end - begin);
  if (model.ends_with(".trace")) model.resize(model.size() - std::string(".trace").size());
  return "trace of " + model + ", layer " + workload.substr(end + kEnd.size());
}

std::string family_title(const Record& r, bool machines) {
  std::string title = fmt::format("{}, {}, {}, {}", r.shape_name, workload_label(r.workload),
                                  to_string(r.shape.dtype), r.cache);
  if (machines)
    title += fmt::format(", {} with {} threads", r.environment.cpu, r.environment.threads);
  return printable(title);
}

int severity(Status status) {
  switch (status) {
    case Status::kWrong:
      return 0;
    case Status::kSuspect:
      return 1;
    case Status::kMistrusted:
      return 2;
    case Status::kCrashed:
      return 3;
    case Status::kTimeout:
      return 4;
    case Status::kOom:
      return 5;
    case Status::kUnsupported:
      return 6;
    case Status::kSkipped:
      return 7;
    case Status::kOk:
      break;
  }
  return 8;
}

std::vector<Failure> failures_of(const std::vector<Record>& records) {
  std::vector<Failure> failures;
  for (const Record& r : records) {
    if (r.status == Status::kOk) continue;
    const std::string reason = printable(r.reason);
    auto found = std::ranges::find_if(
        failures, [&](const Failure& f) { return f.status == r.status && f.reason == reason; });
    if (found == failures.end()) {
      failures.push_back({.status = r.status, .reason = reason});
      found = failures.end() - 1;
    }
    found->records.push_back(&r);
  }
  std::ranges::stable_sort(failures, {}, [](const Failure& f) { return severity(f.status); });
  return failures;
}

// Who is best in a row, in words; rows with the same words are one stretch of the sentence.
std::string winners(const Family& family, const SummaryRow& row) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < row.cells.size(); ++c)
    if (row.cells[c].best) names.push_back(family.columns[c]);
  if (names.empty()) return "no dropless time";
  if (row.competitors == 1) return names[0] + " (alone)";
  if (names.size() == 1) return names[0];
  std::string all = "a tie of " + names[0];
  for (std::size_t i = 1; i < names.size(); ++i)
    all.append(i + 1 == names.size() ? " and " : ", ").append(names[i]);
  return all;
}

}  // namespace

Summary summarize(const std::vector<Record>& records) {
  Summary summary;
  const Names names(records);
  std::set<std::tuple<std::string, std::int64_t>> machines;
  for (const Record& r : records) machines.emplace(r.environment.cpu, r.environment.threads);
  std::vector<std::string> order;  // of first appearance
  std::map<std::string, std::vector<const Record*>> by_title;
  for (const Record& r : records) {
    ++summary.count[r.status];
    const std::string title = family_title(r, machines.size() > 1);
    if (!by_title.contains(title)) order.push_back(title);
    by_title[title].push_back(&r);
  }
  for (const std::string& title : order)
    summary.families.push_back(make_family(title, by_title[title], names));
  summary.failures = failures_of(records);
  return summary;
}

std::string verdict(const Family& family) {
  struct Stretch {
    std::string winners;
    std::int64_t from, to;
  };
  std::vector<Stretch> stretches;
  for (const SummaryRow& row : family.rows) {
    const std::string who = winners(family, row);
    if (stretches.empty() || stretches.back().winners != who)
      stretches.push_back({who, row.tokens, row.tokens});
    stretches.back().to = row.tokens;
  }
  std::string sentence = family.title + ":";
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const auto& [who, from, to] = stretches[i];
    const bool first = i == 0;
    const bool last = i + 1 == stretches.size();
    sentence.append(first ? " " : ", ").append(who);
    if (first && last && from != to)
      sentence += fmt::format(" at every size from {} to {} tokens", from, to);
    else if (first && !last)
      sentence += fmt::format(" up to {} {}", to, to == 1 ? "token" : "tokens");
    else if (last && !first)
      sentence += fmt::format(" from {} on", from);
    else if (from == to)
      sentence += fmt::format(" at {}{}", from, !first ? "" : from == 1 ? " token" : " tokens");
    else
      sentence += fmt::format(" from {} to {}", from, to);
  }
  return sentence + ".";
}

std::string count_sentence(const Summary& summary) {
  int all = 0;
  std::string parts;
  for (const auto& [status, count] : summary.count) {
    all += count;
    parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", count, to_string(status));
  }
  if (all == 0) return "no cells.";
  return fmt::format("{} {}: {}.", all, all == 1 ? "cell" : "cells", parts);
}

}  // namespace moe::harness
