#include "kernels/contract/error.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace moe {
namespace {

// Levenshtein's edit distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

}  // namespace

std::string did_you_mean(std::string_view found, std::span<const std::string> known) {
  const auto nearest = std::ranges::min_element(
      known, {}, [&](const std::string& word) { return distance(found, word); });
  if (nearest == known.end()) return "";
  const bool near = distance(found, *nearest) <= std::max<std::size_t>(2, nearest->size() / 3);
  return near ? " (did you mean \"" + *nearest + "\"?)" : "";
}

std::string comma_separated(std::span<const std::string> words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

}  // namespace moe
