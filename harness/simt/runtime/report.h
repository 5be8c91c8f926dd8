// What is written when the process ends.
#pragma once
#include <nlohmann/json.hpp>

#include "harness/simt/runtime/runtime.h"

namespace moe::simt {

// Findings, and counters and occupancy summed by kernel and launch shape. Never a time.
nlohmann::ordered_json report_as_json(const Runtime& runtime);

// MOEBENCH_SIM_REPORT and MOEBENCH_SIM_LEAKS. Problems are printed, because nobody is left to catch
// them.
void write_exit_report(Runtime& runtime);

}  // namespace moe::simt
