#include "harness/report_markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/summary.h"
#include "harness/text.h"

namespace moe::harness {
namespace {

// Text that is only text: no markup, no end of a table cell.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_[]<>|#~").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string word_of(const SummaryCell& cell, const SummaryRow& row) {
  if (cell.record == nullptr) return "–";
  const Record& r = *cell.record;
  if (r.status != Status::kOk) return std::string(to_string(r.status));
  if (!r.timing) return "untimed";
  const std::string ratio = format_ratio(cell.ratio);
  if (!r.dropless()) return ratio + " †";
  if (cell.best && row.best > 1) return ratio + " (tie)";
  return cell.best && row.competitors > 1 ? fmt::format("**{}**", ratio) : ratio;
}

std::string fastest(const SummaryRow& row) {
  if (row.base == nullptr) return "–";
  const Timing& t = *row.base->timing;
  std::string text = format_time(t.median_ns);
  if (t.median_ci95_ns)
    text += fmt::format(" [{}, {}]", format_time((*t.median_ci95_ns)[0]),
                        format_time((*t.median_ci95_ns)[1]));
  return text;
}

std::string family_table(const Family& family) {
  std::string out = fmt::format("### {}\n\n| tokens | fastest |", plain(family.title));
  std::string rule = "\n|---:|---:|";
  for (const std::string& column : family.columns) {
    out += fmt::format(" {} |", plain(column));
    rule += "---:|";
  }
  out += rule + "\n";
  for (const SummaryRow& row : family.rows) {
    out += fmt::format("| {} | {} |", row.tokens, fastest(row));
    for (const SummaryCell& cell : row.cells) out += fmt::format(" {} |", word_of(cell, row));
    out += "\n";
  }
  return out + "\n";
}

std::string drops(const std::vector<Record>& records) {
  std::string rows;
  for (const Record& r : records) {
    if (r.dropless() || !r.load || !r.validation) continue;
    rows += fmt::format("| {} | {:.1f} % | {:.1f} % | {:.1f} % | {:.3g} |\n", plain(r.cell),
                        100 * r.load->dropped_slots, 100 * r.load->dropped_tokens,
                        100 * r.load->gate_mass_lost, r.validation->distance_from_dropless);
  }
  if (rows.empty()) return "";
  return "## Another routing\n\n"
         "These strategies (†) may serve other assignments than were asked for. They compute "
         "another "
         "function, and their times do not compete with the others.\n\n"
         "| cell | assignments dropped | tokens with no expert | gate mass lost | distance from "
         "dropless |\n|---|---:|---:|---:|---:|\n" +
         rows + "\n";
}

std::string algorithms(const std::vector<Record>& records) {
  std::string rows;
  for (const Record& r : records) {
    if (r.library_algorithms.empty()) continue;
    rows += fmt::format("| {} | {} |\n", plain(r.cell), plain(r.library_algorithms));
  }
  if (rows.empty()) return "";
  return "## Algorithms that a library chose\n\n| cell | algorithms |\n|---|---|\n" + rows + "\n";
}

std::string doubts(const std::vector<Record>& records) {
  std::string rows;
  for (const Record& r : records) {
    if (const std::string why = doubt(r); !why.empty())
      rows += fmt::format("| {} | {} |\n", plain(r.cell), plain(why));
  }
  if (rows.empty()) return "";
  return "## Doubtful times\n\n| cell | why |\n|---|---|\n" + rows + "\n";
}

std::string failures(const Summary& summary) {
  if (summary.failures.empty()) return "";
  std::string out = "## Without a result\n\n| status | cell | reason |\n|---|---|---|\n";
  for (const Failure& failure : summary.failures)
    for (const Record* r : failure.records)
      out += fmt::format("| {} | {} | {} |\n", to_string(failure.status), plain(r->cell),
                         plain(failure.reason));
  return out + "\n";
}

std::string gpu(const Environment& e) {
  if (!e.gpu) return "none, " + e.gpu_reason;
  std::string text = *e.gpu;
  if (e.gpu_driver) text += ", driver " + *e.gpu_driver;
  if (e.gpu_power_limit_watts) text += fmt::format(", limit {:.0f} W", *e.gpu_power_limit_watts);
  return text;
}

std::string machine(const Environment& e) {
  return fmt::format(
      "- {}, {} cores, {} threads, {:.1f} GB, {}{}\n"
      "  - instruction sets: {}; BLAS: {}; GPU: {}\n"
      "  - {}, {}; build {}\n",
      plain(e.cpu), e.cores, e.threads, static_cast<double>(e.memory_bytes) * 1e-9, plain(e.kernel),
      e.hypervisor ? ", a virtual machine" : "", plain(e.isa), plain(e.blas), plain(gpu(e)),
      plain(e.compiler), plain(e.flags), plain(e.build_id));
}

std::string environments(const std::vector<Record>& records) {
  std::vector<std::string> machines;
  for (const Record& r : records)
    if (const std::string m = machine(r.environment);
        std::ranges::find(machines, m) == machines.end())
      machines.push_back(m);
  std::string out = "## Environment\n\n";
  if (machines.size() > 1)
    out +=
        "**Measured in more than one environment: compare lines of different ones with care.**\n\n";
  for (const std::string& m : machines) out += m;
  return out + "\n";
}

std::string reproduce(const std::vector<Record>& records) {
  std::string out = "## Measure a cell again\n\n```sh\n";
  for (const Record& r : records) out += printable(r.repro) + "\n";
  return out + "```\n";
}

}  // namespace

std::string markdown_report(const std::vector<Record>& records) {
  const Summary summary = summarize(records);
  std::string out = "# moebench results\n\n" + count_sentence(summary) + "\n\n";
  if (records.empty()) return out;
  out += "## Verdict\n\n";
  for (const Family& family : summary.families)
    out += fmt::format("- {}\n", plain(verdict(family)));
  out +=
      "\n## Times\n\n"
      "Median time over that of the fastest strategy that drops nothing; its median and 95 % "
      "interval "
      "stand under *fastest*. Bold: faster than all others beyond doubt. Tie: the intervals "
      "overlap. "
      "†: another routing.\n\n";
  for (const Family& family : summary.families) out += family_table(family);
  return out + drops(records) + algorithms(records) + doubts(records) + failures(summary) +
         environments(records) + reproduce(records);
}

}  // namespace moe::harness
