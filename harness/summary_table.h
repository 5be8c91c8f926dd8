#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "harness/record.h"

namespace moe::harness {

struct TableStyle {
  std::size_t width = 80;  // at least 50
  bool color = false;      // escape sequences around winners, ties and failures
};

// The result on a terminal. Per family a table, tokens down, strategies across: the median over
// that of the fastest dropless strategy, whose absolute time stands beside; then which strategy
// wins where, in words; at the end the cells that failed and why. No line is wider than asked.
std::string summary_table(const std::vector<Record>& records, const TableStyle& style = {});

}  // namespace moe::harness
