#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <set>

#include "bench/commands/commands.h"
#include "bench/commands/run_options.h"
#include "harness/interrupt.h"
#include "harness/journal.h"
#include "harness/progress.h"
#include "harness/results_file.h"
#include "harness/run_problem.h"
#include "harness/summary_table.h"
#include "kernels/contract/error.h"
#include "kernels/contract/strategy.h"

namespace moe::cli {
namespace {

using harness::Cell;
using harness::Record;
using harness::Status;

struct RunOptions {
  CellOptions cells;
  std::string out;
  std::string time_budget;
  double timeout = 600;
  bool resume = false;
  bool dry_run = false;
};

harness::RunContext context_of(bool measured, double timeout) {
  const harness::DeviceState device = harness::probe_device();
  return {harness::make_run_id(),
          harness::capture_environment(command_line_words(), matrix_product_library(), device),
          device.fault, measured, timeout};
}

ExitCode exit_code(const std::vector<Record>& records) {
  const auto any = [&](std::initializer_list<Status> statuses) {
    return std::ranges::any_of(records, [&](const Record& r) {
      return std::ranges::find(statuses, r.status) != statuses.end();
    });
  };
  if (any({Status::kWrong})) return kValidationFailed;
  if (any({Status::kCrashed, Status::kTimeout, Status::kOom})) return kCellsLost;
  return kOk;
}

void print_plan(const harness::Matrix& matrix) {
  for (const Cell& cell : matrix.cells) {
    const auto cost = harness::cost(cell);
    const auto* info = harness::find_strategy(cell.strategy);
    const auto why = info->unsupported(cell.shape);
    fmt::print("{}  {:.1f} MB  {:.3g} GFLOP{}\n", cell.name(),
               static_cast<double>(cost.weight_bytes + cost.activation_bytes) / 1e6,
               cost.flops / 1e9, why ? "  unsupported: " + *why : "");
  }
  double seconds = 0;
  for (const Cell& cell : matrix.cells) seconds += cell.max_seconds;
  fmt::print("{} cells in {} problems; sampling takes at most {:.0f} s, validation comes on top\n",
             matrix.cells.size(), by_problem(matrix.cells).size(), seconds);
}

// Runs groups of cells one after another and keeps what comes back.
class Session {
 public:
  Session(const harness::RunContext& context, std::size_t cells)
      : context_(context), progress_(std::cerr, cells, harness::stderr_style()) {}

  // `keep` is called with each record as it is made. False when interrupted.
  bool run(const std::vector<std::vector<Cell>>& groups, double budget_seconds,
           const std::function<void(const Record&)>& keep) {
    const auto start = std::chrono::steady_clock::now();
    const harness::RunEvents events{.on_record =
                                        [&](const Record& r) {
                                          keep(r);
                                          records.push_back(r);
                                          progress_.end(r.status);
                                          if (const auto why = doubt(r); !why.empty())
                                            progress_.say(fmt::format("{}: {}", r.cell, why));
                                        },
                                    .on_phase =
                                        [&](const Cell& cell, std::string_view phase) {
                                          progress_.begin(fmt::format("{} {}", phase, cell.name()));
                                        },
                                    .aborted = [&] { return interrupts_.asked_twice(); }};
    for (const auto& group : groups) {
      const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
      if (spent.count() > budget_seconds) {
        progress_.say("the time budget is used up; --resume goes on from here");
        return true;
      }
      if (!harness::run_problem(group, context_, events)) return false;
      if (interrupts_.asked_to_stop()) return false;
    }
    return true;
  }

  std::vector<Record> records;

 private:
  const harness::RunContext& context_;
  harness::InterruptCounter interrupts_;
  harness::Progress progress_;
};

std::vector<Cell> without_done(std::vector<Cell> cells, const harness::Journal& journal) {
  std::erase_if(cells, [&](const Cell& c) { return journal.has(c.name()); });
  return cells;
}

void run_matrix(const RunOptions& options) {
  const double budget = options.time_budget.empty() ? 1e12 : parse_duration(options.time_budget);
  const auto matrix = read_cells(options.cells);
  if (options.dry_run) return print_plan(matrix);

  const auto context = context_of(true, options.timeout);
  const std::string folder = options.out.empty() ? "results/local/" + matrix.name : options.out;
  harness::Journal journal(folder, matrix.name, context.environment.build_id, options.resume);
  const auto cells = without_done(matrix.cells, journal);
  fmt::print(stderr, "{} cells, results in {}{}\n", cells.size(), journal.path().string(),
             journal.resumed() > 0 ? fmt::format(" ({} there already)", journal.resumed()) : "");

  bool finished = false;
  std::vector<Record> records;
  {
    Session session(context, cells.size());
    finished = session.run(by_problem(cells), budget, [&](const Record& r) { journal.append(r); });
    records = std::move(session.records);
  }
  fmt::print("{}", harness::summary_table(harness::latest_of_each_cell(
                       harness::read_results(journal.path()).records)));
  if (!finished) {
    fmt::print(stderr, "interrupted: {} of {} cells are in {}; --resume goes on from here\n",
               records.size(), cells.size(), journal.path().string());
    throw ExitWith{kInterrupted};
  }
  throw ExitWith{exit_code(records)};
}

// One line a cell on stdout, all of them counted at the end.
void validate_matrix(const RunOptions& options, bool json) {
  const auto matrix = read_cells(options.cells);
  const auto context = context_of(false, options.timeout);
  std::map<std::string, int> counts;
  const auto tell = [&](const Record& r) {
    ++counts[std::string(to_string(r.status))];
    if (json) {
      fmt::print("{}\n", to_line(r));
    } else if (r.status != Status::kOk) {
      fmt::print("{:<12} {}: {}\n", to_string(r.status), r.cell, r.reason);
    }
  };
  Session session(context, matrix.cells.size());
  const bool finished = session.run(by_problem(matrix.cells), 1e12, tell);
  std::string summary;
  for (const auto& [status, n] : counts)
    summary += fmt::format("{}{} {}", summary.empty() ? "" : ", ", n, status);
  if (!json) {
    double worst = 0;  // error over bound
    for (const Record& r : session.records) {
      if (r.validation && r.validation->bound > 0) {
        worst = std::max(worst, r.validation->worst_error / r.validation->bound);
      }
    }
    fmt::print("{} cells: {}; the largest error is {:.1f} % of what rounding explains\n",
               session.records.size(), summary, 100 * worst);
  }
  throw ExitWith{finished ? exit_code(session.records) : kInterrupted};
}

void repro_cell(const std::string& name, int samples, double timeout) {
  Cell cell = harness::parse_cell(name);
  if (harness::find_strategy(cell.strategy) == nullptr) {
    std::vector<std::string> known;
    for (const StrategyInfo* s : all_strategies()) known.push_back(full_name(*s));
    throw UserError(fmt::format("repro: unknown strategy \"{}\"{}; known: {}", cell.strategy,
                                did_you_mean(cell.strategy, known), comma_separated(known)));
  }
  cell.samples = samples;
  const auto context = context_of(true, timeout);
  Session session(context, 1);
  const bool finished =
      session.run({{cell}}, 1e12, [](const Record& r) { fmt::print("{}\n", to_line(r)); });
  throw ExitWith{finished ? exit_code(session.records) : kInterrupted};
}

}  // namespace

void add_run_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "run",
      "Validate the cells of a matrix file, then measure those that passed\n"
      "Examples:\n"
      "  moebench run bench/matrices/smoke.json\n"
      "  moebench run bench/matrices/demo.json --filter 'T=64/' --set base.samples=50\n"
      "  moebench run bench/matrices/demo.json --time-budget 2m --resume");
  auto options = std::make_shared<RunOptions>();
  command->add_option("matrix", options->cells.matrix, "The matrix file")->required();
  add_cell_options(*command, options->cells);
  command->add_option("--out", options->out, "Folder of the result file (results/local/NAME)");
  command->add_option("--time-budget", options->time_budget,
                      "Start no problem after this: 90s, 8m");
  command->add_option("--timeout", options->timeout, "Seconds a strategy may give no sign of life")
      ->check(CLI::PositiveNumber);
  command->add_flag("--resume", options->resume, "Leave out cells the result file already has");
  command->add_flag("--dry-run", options->dry_run, "Print the cells and what they need; run none");
  command->callback([options] { run_matrix(*options); });
}

void add_validate_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "validate",
      "Routing and output of every cell against the reference; no timing\n"
      "Examples:\n"
      "  moebench validate bench/matrices/acceptance.json\n"
      "  moebench validate bench/matrices/smoke.json --strategy sort-and-group --json");
  auto options = std::make_shared<RunOptions>();
  auto json = std::make_shared<bool>(false);
  options->cells.matrix = "bench/matrices/smoke.json";
  command->add_option("matrix", options->cells.matrix, "The matrix file")->capture_default_str();
  add_cell_options(*command, options->cells);
  command->add_option("--timeout", options->timeout, "Seconds a strategy may give no sign of life")
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", *json, "A result line per cell on stdout");
  command->callback([options, json] { validate_matrix(*options, *json); });
}

void add_repro_command(CLI::App& app) {
  auto* command =
      app.add_subcommand("repro",
                         "Run exactly one cell of a result line again; prints its new line\n"
                         "Example:\n"
                         "  moebench repro 'tiny/T=64/zipf:1.0/f32/sort-and-group@cpu'");
  struct Options {
    std::string cell;
    int samples = 30;
    double timeout = 600;
  };
  auto options = std::make_shared<Options>();
  command->add_option("cell", options->cell, "The cell's name")->required();
  command->add_option("--samples", options->samples, "Samples to take")->check(CLI::PositiveNumber);
  command->add_option("--timeout", options->timeout, "Seconds without a sign of life")
      ->check(CLI::PositiveNumber);
  command->callback([options] { repro_cell(options->cell, options->samples, options->timeout); });
}

}  // namespace moe::cli
