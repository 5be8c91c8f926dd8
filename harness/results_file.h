#pragma once
#include <filesystem>
#include <vector>

#include "harness/record.h"

namespace moe::harness {

struct ResultsFile {
  std::vector<Record> records{};  // in the order of the lines
  bool torn = false;              // the last line had no end: a writer died there. It is left out
};

// Reads a JSON Lines file. UserError when it cannot be read, or, with FILE:LINE, when a line that
// is complete is not a result line. Empty lines are let pass.
ResultsFile read_results(const std::filesystem::path& path);

// The records whose cell no later record repeats: what a cell measured twice came to.
std::vector<Record> latest_of_each_cell(std::vector<Record> records);

}  // namespace moe::harness
