#pragma once
#include <functional>
#include <span>
#include <string>

#include "harness/cell.h"
#include "harness/machine.h"
#include "harness/record.h"

namespace moe::harness {

// What is the same for all cells of one call of the program.
struct RunContext {
  std::string run_id{};
  Environment environment{};
  std::string device_fault{};  // why strategies of other backends than the CPU are skipped; empty:
                               // they are not
  bool measured = true;        // false: validate only
  double timeout_seconds = 600;  // without any sign of life, for one strategy
};

struct RunEvents {
  std::function<void(const Record&)> on_record;                       // a cell is done
  std::function<void(const Cell&, std::string_view phase)> on_phase;  // "validate", "measure"
  std::function<bool()> aborted;                                      // end at once?
};

// The strategy of this full name (sort-and-group@cpu), or nullptr.
const StrategyInfo* find_strategy(const std::string& full_name);

// The cells of one problem: the workload is made once, every strategy validated, those that passed
// measured together. All of it in a child process: a strategy that crashes, hangs or runs out of
// memory costs its own cell, and the others are run again without it. Throws UserError (of a
// workload that cannot be made). False when aborted; cells done by then were reported.
bool run_problem(std::span<const Cell> cells, const RunContext& context, const RunEvents& events);

}  // namespace moe::harness
