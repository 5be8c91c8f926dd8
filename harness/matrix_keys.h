#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "harness/matrix.h"
#include "reference/io/strict_json.h"

namespace moe::harness {

// The keys of a cell in a matrix file, and what their values mean.

// One value of a key, to be written into cells.
using Change = std::function<void(Cell&)>;

struct CellKey {
  std::string name;
  bool measured;  // part of the cell's name; may be an axis and may be excluded
  // Adds the changes one value stands for: one, but for strategies, where "*" stands for many.
  void (*read)(const reference::Json& value, const Known& known, std::vector<Change>& changes);
  bool (*same)(const Cell& a, const Cell& b);  // of the measured ones
};

// In the order of a cell's name, so that the cells of one problem come in a row.
std::span<const CellKey> cell_keys();

// The built strategies that "*", a name or name@backend stands for; none where the name is built
// for another backend only. Throws UserError for other names.
std::vector<std::string> matching_strategies(const std::string& text, const Known& known);

}  // namespace moe::harness
