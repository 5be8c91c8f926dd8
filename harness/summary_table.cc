#include "harness/summary_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/summary.h"
#include "harness/text.h"

namespace moe::harness {
namespace {

constexpr std::size_t kTokens = 7;   // width of the tokens column: nine million
constexpr std::size_t kFastest = 9;  // of a time, and a mark
constexpr std::size_t kNarrow = 10;  // of the widest ratio with its marks: "12.3 *100%"
constexpr std::size_t kWide = 17;    // of the longest name worth its room
constexpr std::size_t kGap = 2;

constexpr const char* kGreen = "\033[32m";
constexpr const char* kYellow = "\033[33m";
constexpr const char* kRed = "\033[31m";

struct Word {
  std::string text{};
  const char* color = nullptr;
};

// " *12%": another routing, and the share of assignments it dropped.
std::string drop_mark(const Record& r) {
  const double percent = r.load ? 100 * r.load->dropped_slots : 0;
  if (!(percent > 0)) return " *";
  return percent < 0.5 ? " *<1%" : fmt::format(" *{:.0f}%", percent);
}

Word word_of(const SummaryCell& cell, const SummaryRow& row) {
  if (cell.record == nullptr) return {"-"};
  const Record& r = *cell.record;
  if (r.status == Status::kUnsupported) return {"unsupp."};
  if (r.status != Status::kOk)
    return {std::string(to_string(r.status)), r.status == Status::kSkipped ? nullptr : kRed};
  if (!r.timing) return {"untimed"};
  const std::string ratio = format_ratio(cell.ratio);
  if (!r.dropless()) return {ratio + drop_mark(r)};
  if (cell.best && row.best > 1) return {"tie " + ratio, kYellow};
  return {ratio, cell.best && row.competitors > 1 ? kGreen : nullptr};
}

std::string padded(const Word& word, std::size_t width, bool color) {
  const std::string text = cut(word.text, width);
  const std::string space(width - text.size(), ' ');
  if (!color || word.color == nullptr) return space + text;
  return space + word.color + text + "\033[0m";
}

// As many columns as fit, each as wide as its name if there is room.
struct Block {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t width = 0;
};
std::vector<Block> blocks_of(const Family& family, std::size_t width) {
  const std::size_t room = std::max(width, std::size_t{50}) - kTokens - 1 - kFastest;
  const std::size_t most = std::max<std::size_t>(1, room / (kNarrow + kGap));
  const std::size_t columns = family.columns.size();
  const std::size_t count = (columns + most - 1) / most;
  std::vector<Block> blocks;
  for (std::size_t b = 0; b < count; ++b) {
    Block block{.begin = columns * b / count, .end = columns * (b + 1) / count};
    std::size_t longest = kNarrow;
    for (std::size_t c = block.begin; c < block.end; ++c)
      longest = std::max(longest, family.columns[c].size());
    block.width = std::min({longest, kWide, room / (block.end - block.begin) - kGap});
    blocks.push_back(block);
  }
  return blocks;
}

// A name on two lines, broken behind a hyphen, where that makes it fit; else on one, shortened.
std::vector<std::array<std::string, 2>> on_two_lines(const std::vector<std::string>& names,
                                                     std::size_t width) {
  const std::vector<std::string> shorter = shortened(names, width);
  std::vector<std::array<std::string, 2>> lines;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    const std::size_t hyphen = name.rfind('-', width - 1);
    const bool breaks =
        name.size() > width && hyphen != std::string::npos && name.size() - hyphen - 1 <= width;
    if (breaks) {
      lines.push_back({name.substr(0, hyphen + 1), name.substr(hyphen + 1)});
    } else {
      lines.push_back({"", shorter[i]});
    }
  }
  return lines;
}

std::string header(const Family& family, const Block& block) {
  const auto first = family.columns.begin();
  const auto names = on_two_lines({first + static_cast<std::ptrdiff_t>(block.begin),
                                   first + static_cast<std::ptrdiff_t>(block.end)},
                                  block.width);
  std::string above = std::string(kTokens + 1 + kFastest, ' ');
  std::string below = fmt::format("{:>{}} {:>{}}", "tokens", kTokens, "fastest", kFastest);
  for (const auto& [upper, lower] : names) {
    above += std::string(kGap, ' ') + padded({upper}, block.width, false);
    below += std::string(kGap, ' ') + padded({lower}, block.width, false);
  }
  const std::size_t end = above.find_last_not_of(' ');
  return (end == std::string::npos ? "" : above.substr(0, end + 1) + "\n") + below + "\n";
}

std::string table(const Family& family, const Block& block, const TableStyle& style) {
  const std::string gap(kGap, ' ');
  std::string out = header(family, block);
  for (const SummaryRow& row : family.rows) {
    std::string fastest = "-";
    if (row.base != nullptr)
      fastest = format_time(row.base->timing->median_ns) + (row.base->dropless() ? "" : "*");
    out += fmt::format("{:>{}} {:>{}}", row.tokens, kTokens, fastest, kFastest);
    for (std::size_t c = block.begin; c < block.end; ++c)
      out += gap + padded(word_of(row.cells[c], row), block.width, style.color);
    out += '\n';
  }
  return out;
}

bool any_cell(const Summary& summary, bool (*is)(const SummaryCell&, const SummaryRow&)) {
  for (const Family& family : summary.families)
    for (const SummaryRow& row : family.rows)
      for (const SummaryCell& cell : row.cells)
        if (cell.record != nullptr && is(cell, row)) return true;
  return false;
}

// Only the marks that occur are explained.
std::string legend(const Summary& summary, const TableStyle& style) {
  std::string text;
  if (any_cell(summary, [](const SummaryCell& c, const SummaryRow&) { return c.ratio > 0; }))
    text += "Median time over that of the fastest dropless strategy (its time: fastest). ";
  if (any_cell(summary,
               [](const SummaryCell& c, const SummaryRow& r) { return c.best && r.best > 1; }))
    text += "tie: ambiguous, the 95 % intervals of the medians overlap. ";
  if (any_cell(summary, [](const SummaryCell& c, const SummaryRow&) {
        return c.ratio > 0 && !c.record->dropless();
      }))
    text += "*: another routing, with the share of assignments it drops; does not compete. ";
  return text.empty() ? "" : wrap(text, style.width) + "\n";
}

std::string failure_list(const Summary& summary, const TableStyle& style) {
  constexpr std::size_t kShown = 3;
  std::string out;
  for (const Failure& failure : summary.failures) {
    out += wrap(fmt::format("{}: {}", to_string(failure.status), failure.reason), style.width, 2);
    for (std::size_t i = 0; i < std::min(kShown, failure.records.size()); ++i)
      out += wrap("  " + printable(failure.records[i]->cell), style.width, 4);
    if (failure.records.size() > kShown)
      out += fmt::format("  and {} more\n", failure.records.size() - kShown);
  }
  return out.empty() ? "" : out + "\n";
}

}  // namespace

std::string summary_table(const std::vector<Record>& records, const TableStyle& style) {
  const Summary summary = summarize(records);
  std::string out;
  for (const Family& family : summary.families) {
    out += wrap(family.title, style.width, 2);
    for (const Block& block : blocks_of(family, style.width)) out += table(family, block, style);
    out += '\n';
  }
  out += legend(summary, style);
  for (const Family& family : summary.families) out += wrap(verdict(family), style.width, 2);
  if (!summary.families.empty()) out += '\n';
  return out + failure_list(summary, style) + wrap(count_sentence(summary), style.width);
}

}  // namespace moe::harness
