#pragma once
#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/cell.h"
#include "harness/matrix.h"

namespace moe::cli {

// What `run` and `validate` share: which cells of which matrix.
struct CellOptions {
  std::string matrix;
  harness::MatrixOptions selection;
};
void add_cell_options(CLI::App& command, CellOptions& options);

// The cells, read and checked. Where the backend asked for is not built or has no device: a message
// and ExitWith{kUnusableEnvironment}.
harness::Matrix read_cells(const CellOptions& options);

// The cells in groups of one problem each, in order.
std::vector<std::vector<harness::Cell>> by_problem(const std::vector<harness::Cell>& cells);

// "90s", "8m", "1.5h" in seconds. UserError.
double parse_duration(const std::string& text);

}  // namespace moe::cli
