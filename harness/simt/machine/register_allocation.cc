// Linear scan over live intervals, one for each class of registers.
#include "harness/simt/machine/register_allocation.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <string_view>
#include <utility>

#include "harness/simt/machine/liveness.h"

namespace moe::simt {
namespace {

enum Class { kPredicates, kWords, kDoubles, kQuads, kClasses };
constexpr int kRows[kClasses] = {1, 1, 2, 4};

Class class_of(const ptx::Type& type) {
  if (type.kind == ptx::Type::Kind::kPredicate) return kPredicates;
  const int bits = type.total_bits();
  if (bits > 0 && bits <= 32) return kWords;
  if (bits == 64) return kDoubles;
  if (bits == 128) return kQuads;
  throw ptx::Error(fmt::format("a register of {} x {} bits: PTX has none", type.lanes, type.bits));
}

// The opcodes whose writes are not done when the next statement runs.
bool writes_later(std::string_view opcode) {
  return opcode == "wgmma" || opcode == "setmaxnreg" || opcode == "tcgen05";
}

// Linear scan (Poletto and Sarkar, 1999), without spilling: there are always rows. A register takes
// the place that was given back last, for that is the one still in the nearest cache.
class Scan {
 public:
  // Registers must come in the order of their intervals' firsts.
  int place(const LiveInterval& interval) {
    while (!taken_.empty() && taken_.top().first < interval.first) {
      free_.push_back(taken_.top().second);
      taken_.pop();
    }
    int place = places_;
    if (free_.empty()) {
      ++places_;
    } else {
      place = free_.back();
      free_.pop_back();
    }
    taken_.emplace(interval.last, place);
    return place;
  }
  int places() const { return places_; }

 private:
  using LastAndPlace = std::pair<int, int>;
  std::priority_queue<LastAndPlace, std::vector<LastAndPlace>, std::greater<>> taken_;
  std::vector<int> free_;
  int places_ = 0;
};

// Registers that the body names, by the first statement they are live at.
std::vector<int> in_order(const std::vector<LiveInterval>& intervals) {
  std::vector<int> order;
  for (int reg = 0; reg < static_cast<int>(intervals.size()); ++reg) {
    if (intervals[reg].named()) order.push_back(reg);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return intervals[a].first < intervals[b].first; });
  return order;
}

}  // namespace

int rows_of(const ptx::Type& type) { return kRows[class_of(type)]; }

RowAssignment assign_rows(const ptx::Function& function) {
  std::vector<LiveInterval> intervals = live_intervals(function);
  if (std::any_of(function.body.begin(), function.body.end(),
                  [](const ptx::Instruction& i) { return writes_later(i.opcode); })) {
    const int end = static_cast<int>(function.body.size());
    for (LiveInterval& interval : intervals) {
      if (interval.named()) interval = {0, end};
    }
  }

  RowAssignment assignment;
  assignment.row.assign(function.registers.size(), RowAssignment::kNoRow);
  Scan scans[kClasses];
  for (const int reg : in_order(intervals)) {
    const Class kind = class_of(function.registers[reg].type);
    assignment.row[reg] = scans[kind].place(intervals[reg]) * kRows[kind];
  }
  // The classes' rows stand one behind the other.
  int base[kClasses];
  for (int kind = 0; kind < kClasses; ++kind) {
    base[kind] = assignment.rows;
    assignment.rows += scans[kind].places() * kRows[kind];
  }
  for (std::size_t reg = 0; reg < assignment.row.size(); ++reg) {
    if (intervals[reg].named()) {
      assignment.row[reg] += base[class_of(function.registers[reg].type)];
    }
  }
  return assignment;
}

}  // namespace moe::simt
