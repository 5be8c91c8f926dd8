#include "harness/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <regex>
#include <unordered_map>

#include "harness/matrix_draft.h"
#include "harness/matrix_keys.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

using reference::Json;
// All values of a key: those of a list, or the one.
std::vector<Change> choices(const CellKey& key, const Json& value, const Known& known) {
  std::vector<Change> all;
  if (!value.is_array() || !key.measured) {
    key.read(value, known, all);
    return all;
  }
  if (value.items().empty()) value.fail("an empty list makes no cells");
  for (const Json& item : value.items()) key.read(item, known, all);
  return all;
}

// What a cell gets for a key that nobody set.
std::vector<Change> defaults(const CellKey& key, const Known& known, const std::string& place) {
  if (key.name == "shape" || key.name == "tokens") {
    throw UserError(
        fmt::format("{}: the key \"{}\" is missing here, in base and in axes", place, key.name));
  }
  std::vector<Change> all;
  if (key.name == "strategy") {
    for (const auto& s : known.strategies) all.emplace_back([s](Cell& c) { c.strategy = s; });
  } else {
    all.emplace_back([](Cell&) {});
  }
  return all;
}

// Makes cells of settings, and counts them before they are made.
class Expander {
 public:
  Expander(const std::filesystem::path& path, const Known& known) : path_(path), known_(known) {}

  // All combinations of `lists` over `base`, whose values are single. `place`: for complaints.
  void add(const Settings& base, const Settings& lists, const std::string& place) {
    std::vector<std::vector<Change>> all;
    double count = 1;
    for (const CellKey& key : cell_keys()) {
      const auto list = lists.find(key.name);
      const auto one = base.find(key.name);
      std::vector<Change>& of_key = all.emplace_back();
      if (list != lists.end()) {
        of_key = choices(key, list->second, known_);
      } else if (one != base.end()) {
        key.read(one->second, known_, of_key);
      } else {
        of_key = defaults(key, known_, place);
      }
      count *= static_cast<double>(of_key.size());
    }
    count_ += count;
    if (count_ > static_cast<double>(kMostCells)) {
      throw UserError(
          fmt::format("{}: expands to {:.0f} cells, expected at most {}; shorten an axis",
                      path_.string(), count_, kMostCells));
    }
    combine(all, 0, Cell{});
  }

  std::vector<Cell> take() { return std::move(cells_); }

 private:
  void combine(const std::vector<std::vector<Change>>& all, std::size_t key, Cell cell) {
    if (key == all.size()) {
      cells_.push_back(std::move(cell));
      return;
    }
    for (const Change& change : all[key]) {
      change(cell);
      combine(all, key + 1, cell);
    }
  }

  const std::filesystem::path& path_;
  const Known& known_;
  double count_ = 0;
  std::vector<Cell> cells_;
};

// Removes the cells that agree with every key of one exclusion.
void exclude(std::vector<Cell>& cells, const Json& exclusion, const Known& known) {
  const Settings keys = settings(exclusion, true);
  if (keys.empty()) exclusion.fail("an empty object would exclude every cell");
  std::vector<std::function<bool(const Cell&)>> agrees;
  for (const CellKey& key : cell_keys()) {
    const auto value = keys.find(key.name);
    if (value == keys.end()) continue;
    std::vector<Cell> any_of;
    for (const Change& change : choices(key, value->second, known)) change(any_of.emplace_back());
    agrees.emplace_back([any_of, same = key.same](const Cell& c) {
      return std::ranges::any_of(any_of, [&](const Cell& one) { return same(one, c); });
    });
  }
  std::erase_if(cells, [&](const Cell& c) {
    return std::ranges::all_of(agrees, [&](const auto& agree) { return agree(c); });
  });
}

// Of cells with equal names the last one says how to measure, in the place of the first.
std::vector<Cell> merged(std::vector<Cell> cells) {
  std::unordered_map<std::string, std::size_t> place;
  std::vector<Cell> unique;
  for (Cell& c : cells) {
    const auto [at, is_new] = place.emplace(c.name(), unique.size());
    if (is_new) {
      unique.push_back(std::move(c));
    } else {
      unique[at->second] = std::move(c);
    }
  }
  return unique;
}

// So that an included cell is measured with those of its problem.
void gather_problems(std::vector<Cell>& cells) {
  std::unordered_map<std::string, std::size_t> first;
  for (const Cell& c : cells) first.emplace(c.problem_name(), first.size());
  std::ranges::stable_sort(cells, {}, [&](const Cell& c) { return first.at(c.problem_name()); });
}

std::regex pattern(const std::string& filter) {
  try {
    return std::regex(filter);
  } catch (const std::regex_error& e) {
    throw UserError(fmt::format("--filter \"{}\": not a regular expression: {}", filter, e.what()));
  }
}

void keep_asked(std::vector<Cell>& cells, const MatrixOptions& options, const Known& known) {
  if (!options.strategy.empty()) {
    const auto asked = matching_strategies(options.strategy, known);
    std::erase_if(
        cells, [&](const Cell& c) { return std::ranges::find(asked, c.strategy) == asked.end(); });
  }
  if (!options.backend.empty()) {
    if (std::ranges::find(kBackendNames, options.backend) == kBackendNames.end()) {
      throw UserError(
          fmt::format("--backend: unknown backend \"{}\"; known: cpu, cuda, sim", options.backend));
    }
    std::erase_if(cells,
                  [&](const Cell& c) { return !c.strategy.ends_with("@" + options.backend); });
  }
  if (!options.filter.empty()) {
    const std::regex filter = pattern(options.filter);
    std::erase_if(cells, [&](const Cell& c) { return !std::regex_search(c.name(), filter); });
  }
}

}  // namespace

Matrix read_matrix(const std::filesystem::path& path, const MatrixOptions& options,
                   const Known& known) {
  static const std::vector<std::string> kKeys = {"name",    "description", "base",   "axes",
                                                 "include", "exclude",     "presets"};
  const Json file = Json::parse_file(path);
  file.allow_keys(kKeys);
  Matrix matrix;
  matrix.name = file.has("name") ? file.at("name").text() : path.stem().string();
  if (file.has("description")) matrix.description = file.at("description").text();

  const MatrixDraft draft = draft_matrix(file, options.preset, options.sets);
  matrix.presets = draft.presets;

  Expander expander(path, known);
  // A file of included cells only has no combinations of its own.
  if (!draft.axes.empty() || draft.include.empty()) {
    expander.add(draft.base, draft.axes, file.place());
  }
  for (const Json& cells : draft.include) {
    expander.add(draft.base, settings(cells, false), cells.place());
  }
  matrix.cells = expander.take();
  for (const Json& exclusion : draft.exclude) exclude(matrix.cells, exclusion, known);
  if (options.seed) {
    for (Cell& c : matrix.cells) c.seed = *options.seed;
  }
  matrix.cells = merged(std::move(matrix.cells));
  gather_problems(matrix.cells);
  const std::size_t before = matrix.cells.size();
  keep_asked(matrix.cells, options, known);
  if (matrix.cells.empty()) {
    throw UserError(fmt::format("{}: no cell is left of {} after filters", path.string(), before));
  }
  return matrix;
}

}  // namespace moe::harness
