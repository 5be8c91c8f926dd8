#pragma once
#include <CLI/CLI.hpp>
#include <span>
#include <stdexcept>
#include <string>

namespace moe::cli {

// How the program ends; the whole list is in --help and in bench/README.md.
enum ExitCode : int {
  kOk = 0,
  kValidationFailed = 1,
  kBadInput = 2,
  kCellsLost = 3,  // crashed, timed out or out of memory; results are written
  kUnusableEnvironment = 4,
  kBug = 70,
  kInterrupted = 130,
};

// Ends the program with this code; what there was to say has been said.
struct ExitWith {
  ExitCode code;
};

// The command line as main() got it, for the records.
std::span<const char* const> command_line_words();

// One function a command; each adds its subcommand to the program.
void add_list_command(CLI::App& app);
void add_doctor_command(CLI::App& app);
void add_ceilings_command(CLI::App& app);
void add_pick_command(CLI::App& app);
void add_run_command(CLI::App& app);
void add_validate_command(CLI::App& app);
void add_repro_command(CLI::App& app);
void add_report_command(CLI::App& app);
void add_trace_command(CLI::App& app);
void add_route_command(CLI::App& app);
void add_model_command(CLI::App& app);
void add_problem_command(CLI::App& app);
void add_judge_command(CLI::App& app);
void add_drive_command(CLI::App& app);

}  // namespace moe::cli
