#include "bench/commands/report.h"

#include <unistd.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/progress.h"
#include "harness/report_csv.h"
#include "harness/report_junit.h"
#include "harness/report_markdown.h"
#include "harness/results_file.h"
#include "harness/summary_table.h"
#include "kernels/contract/error.h"

namespace moe::cli {
namespace {

struct Options {
  std::vector<std::string> files{};
  std::string format = "md";
  std::string out{};
};

// What the files came to: of a cell that was measured twice, the later line.
std::vector<harness::Record> read_all(const std::vector<std::string>& files) {
  std::vector<harness::Record> all;
  for (const std::string& path : files) {
    harness::ResultsFile file = harness::read_results(path);
    if (file.torn)
      std::cerr << path << ": the last line is torn and was left out; its run did not end\n";
    all.insert(all.end(), std::make_move_iterator(file.records.begin()),
               std::make_move_iterator(file.records.end()));
  }
  const std::size_t lines = all.size();
  std::vector<harness::Record> latest = harness::latest_of_each_cell(std::move(all));
  if (latest.size() < lines)
    std::cerr << lines - latest.size()
              << " lines are left out: their cells were measured again later\n";
  return latest;
}

bool colored_stdout(const Options& options) {
  return options.out.empty() && isatty(STDOUT_FILENO) == 1 && harness::stderr_style().color;
}

std::string report(const std::vector<harness::Record>& records, const Options& options) {
  if (options.format == "csv") return harness::csv_report(records);
  if (options.format == "junit") return harness::junit_report(records);
  if (options.format == "table")
    return harness::summary_table(records, {.color = colored_stdout(options)});
  return harness::markdown_report(records);
}

void write(const std::string& text, const std::string& out) {
  if (out.empty() || out == "-") {
    std::cout << text << std::flush;
    return;
  }
  std::ofstream file(out, std::ios::binary);
  if (!file) throw UserError(out + ": cannot be written, expected a file in a folder that exists");
  if (!(file << text << std::flush)) throw std::runtime_error(out + ": writing failed");
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("report", "Markdown, CSV, JUnit or a table from results");
  command->footer(
      "Examples:\n"
      "  moebench report results/local/run.jsonl --format table\n"
      "  moebench report results/local/*.jsonl -o report.md\n"
      "  scripts/report.py results/local/run.jsonl -o report.html   draws the page");
  command->add_option("FILE", options->files, "Result lines (.jsonl)")->required();
  command->add_option("--format", options->format, "md, csv, junit or table")
      ->check(CLI::IsMember({"md", "csv", "junit", "table"}))
      ->capture_default_str();
  command->add_option("-o,--output", options->out, "Where to write; standard output if left out");
  command->callback([options] { write(report(read_all(options->files), *options), options->out); });
}

}  // namespace moe::cli
