#pragma once
#include <CLI/CLI.hpp>

namespace moe::cli {

// `moebench trace capture | generate | info`: routings recorded in files (harness/trace.h).
void add_trace_command(CLI::App& app);

}  // namespace moe::cli
