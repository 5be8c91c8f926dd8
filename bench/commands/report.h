#pragma once
#include <CLI/CLI.hpp>

namespace moe::cli {

// `moebench report FILE... [--format md|csv|junit|table] [-o OUT]`
void add_report_command(CLI::App& app);

}  // namespace moe::cli
