#include "harness/results_file.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <tuple>

#include "kernels/contract/error.h"

namespace moe::harness {

ResultsFile read_results(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path))
    throw UserError(path.string() + ": cannot be read, expected a file of result lines (.jsonl)");
  ResultsFile file;
  std::int64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const bool ended = !in.eof();
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    try {
      file.records.push_back(from_line(line, path.string(), number));
    } catch (const UserError&) {
      if (ended) throw;
      file.torn = true;
    }
  }
  if (in.bad()) throw UserError(path.string() + ": reading failed");
  return file;
}

std::vector<Record> latest_of_each_cell(std::vector<Record> records) {
  // The same cell in another cache state, with another capacity or on another machine is another
  // measurement.
  using Key =
      std::tuple<std::string, std::string, std::optional<double>, std::string, std::int64_t>;
  std::set<Key> seen;
  std::vector<Record> latest;
  for (auto r = records.rbegin(); r != records.rend(); ++r)
    if (seen.emplace(r->cell, r->cache, r->capacity_factor, r->environment.cpu,
                     r->environment.threads)
            .second)
      latest.push_back(std::move(*r));
  std::ranges::reverse(latest);
  return latest;
}

}  // namespace moe::harness
