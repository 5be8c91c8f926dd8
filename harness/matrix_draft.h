#pragma once
#include <map>
#include <string>
#include <vector>

#include "reference/io/strict_json.h"

namespace moe::harness {

// The keys of cells and their values, as a file has them.
using Settings = std::map<std::string, reference::Json>;

// A matrix file after its layers were laid over each other.
struct MatrixDraft {
  Settings base{};
  Settings axes{};
  std::vector<reference::Json> include{};
  std::vector<reference::Json> exclude{};
  std::vector<std::string> presets{};  // the file's, chosen or not
};

// `file`, the preset of that name (empty: none) and the sets (axes.tokens=[1,2]) over each other,
// with all keys checked but no values. Throws UserError.
MatrixDraft draft_matrix(const reference::Json& file, const std::string& preset,
                         const std::vector<std::string>& sets);

// The members of an object whose keys have to be those of a cell; `measured_only`: those that are
// part of its name.
Settings settings(const reference::Json& object, bool measured_only);

}  // namespace moe::harness
