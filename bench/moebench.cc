// The program: parses the command line and turns what went wrong into an exit code. One file a
// command lies in commands/.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "bench/commands/commands.h"
#include "harness/machine.h"
#include "kernels/contract/error.h"

namespace moe::cli {
namespace {

std::vector<const char*> words;

constexpr const char* kExamples = R"(Examples:
  moebench list strategies                       what there is to compare
  moebench run bench/matrices/smoke.json         validate, then measure; a table at the end
  moebench run bench/matrices/demo.json --dry-run
  moebench validate bench/matrices/acceptance.json
  moebench model generate DIR --input in.safetensors --output out.safetensors --max-new-tokens 96

MoE dispatch strategies, checked against a naive reference and then measured.)";

constexpr const char* kExitCodes =
    "Exit codes: 0 ok, 1 validation failed, 2 usage or bad input, 3 some cells crashed, timed out "
    "or "
    "ran out of memory (results written), 4 environment unusable, 70 bug, 130 interrupted.";

// CLI11 names a word it did not expect; we add the nearest it would have.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(command->get_name());
  }
  const bool unknown_command = words.size() > 1 && words[1][0] != '-' &&
                               std::find(known.begin(), known.end(), words[1]) == known.end();
  if (!unknown_command) return error.what();
  return fmt::format("unknown command \"{}\"{}; known: {}", words[1], did_you_mean(words[1], known),
                     comma_separated(known));
}

int run(int argc, char** argv) {
  words.assign(argv, argv + argc);
  CLI::App app(kExamples, "moebench");
  app.footer(kExitCodes);
  app.set_version_flag("--version", "moebench " + harness::build_id());
  app.require_subcommand(1);
  add_list_command(app);
  add_doctor_command(app);
  add_ceilings_command(app);
  add_pick_command(app);
  add_validate_command(app);
  add_run_command(app);
  add_repro_command(app);
  add_report_command(app);
  add_trace_command(app);
  add_route_command(app);
  add_model_command(app);
  add_problem_command(app);
  add_judge_command(app);
  add_drive_command(app);
  try {
    app.parse(argc, argv);
    return kOk;
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help and --version
    fmt::print(stderr, "moebench: {}\n", usage_error(app, e));
    return kBadInput;
  } catch (const ExitWith& e) {
    return e.code;
  } catch (const UserError& e) {
    fmt::print(stderr, "moebench: {}\n", e.what());
    return kBadInput;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "moebench: out of memory\n");
    return kCellsLost;
  } catch (const std::exception& e) {
    fmt::print(stderr, "moebench: a bug of ours: {}\n", e.what());
    return kBug;
  }
}

}  // namespace

std::span<const char* const> command_line_words() { return words; }

}  // namespace moe::cli

int main(int argc, char** argv) { return moe::cli::run(argc, argv); }
