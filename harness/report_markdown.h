#pragma once
#include <string>
#include <vector>

#include "harness/record.h"

namespace moe::harness {

// A report for a page that renders GitHub's Markdown: which strategy wins where in words, a table
// of ratios per family, what was dropped, what failed and why, where it was measured, and the
// commands that measure each cell again.
std::string markdown_report(const std::vector<Record>& records);

}  // namespace moe::harness
