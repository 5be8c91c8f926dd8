// The MOEBENCH_SIM_* environment variables: how a program that runs in the interpreter is run.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "harness/simt/machine/settings.h"

namespace moe::simt {

struct Environment {
  std::string architecture = "90a";  // MOEBENCH_SIM_ARCH: 80, 90a, 100a
  Settings settings;                 // _SCHEDULE, _ASYNC, _WORKERS, _CHECK
  bool strict = false;  // _STRICT: a finding fails its launch, even if it ran to its end
  bool leaks = false;   // _LEAKS: list live allocations at exit
  std::optional<std::string> report;  // _REPORT: JSON written at exit
};

// The value of a variable, or nothing.
using VariableReader = std::function<std::optional<std::string>(const std::string& name)>;

// Throws UserError: one sentence naming the variable, what it says and what it may say.
Environment read_environment(const VariableReader& variable);

std::optional<std::string> variable_of_process(const std::string& name);

// `MOEBENCH_SIM_ARCH=90a MOEBENCH_SIM_SCHEDULE=random:7 ...`: put before a command, it runs the
// same way.
std::string as_variables(const std::string& architecture, const Settings& settings);

}  // namespace moe::simt
