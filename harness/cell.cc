#include "harness/cell.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>
#include <vector>

#include "harness/shapes.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

// All of `text` as a number from min to max, or nothing.
template <class Number>
std::optional<Number> number(std::string_view text, Number min, Number max) {
  Number n{};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, n);
  const bool good = error == std::errc() && at == end && min <= n && n <= max;  // false on NaN
  return good ? std::optional(n) : std::nullopt;
}

// Takes the parts of a cell's name off its two ends: the workload in the middle may hold a path.
class NameReader {
 public:
  explicit NameReader(std::string_view name) : name_(name), left_(name) {}

  std::string_view front() {
    const std::size_t slash = left_.find('/');
    if (slash == std::string_view::npos) fail("too few parts");
    const std::string_view part = left_.substr(0, slash);
    left_.remove_prefix(slash + 1);
    return part;
  }

  std::string_view back() {
    const std::size_t slash = left_.rfind('/');
    if (slash == std::string_view::npos) fail("too few parts");
    const std::string_view part = left_.substr(slash + 1);
    left_.remove_suffix(left_.size() - slash);
    return part;
  }

  // `threads=2` at the end: the 2, if that is what stands there.
  template <class Number>
  std::optional<Number> option(std::string_view key, Number min, Number max) {
    const std::size_t slash = left_.rfind('/');
    if (slash == std::string_view::npos) return {};
    if (!left_.substr(slash + 1).starts_with(key)) return {};
    const std::string_view part = back();
    const auto n = number(part.substr(key.size()), min, max);
    if (!n) fail(fmt::format("\"{}\" is not {}N with N from {} to {}", part, key, min, max));
    return n;
  }

  std::string_view rest() const { return left_; }

  [[noreturn]] void fail(const std::string& why) const {
    throw UserError(fmt::format(
        "cell \"{}\": {}; expected SHAPE/T=TOKENS/WORKLOAD/DTYPE[/cf=FACTOR][/seed=N][/threads=N]/"
        "STRATEGY@BACKEND",
        name_, why));
  }

 private:
  std::string_view name_;
  std::string_view left_;
};

}  // namespace

std::string Cell::problem_name() const {
  std::string name =
      fmt::format("{}/T={}/{}/{}", shape_name, shape.tokens, workload, to_string(shape.dtype));
  if (knobs.capacity_factor) name += fmt::format("/cf={}", *knobs.capacity_factor);
  if (seed != 1) name += fmt::format("/seed={}", seed);
  if (threads != 0) name += fmt::format("/threads={}", threads);
  return name;
}

std::string Cell::name() const { return problem_name() + "/" + strategy; }

Cell parse_cell(std::string_view name) {
  constexpr auto kMostSeed = std::numeric_limits<std::uint64_t>::max();
  NameReader read(name);
  Cell cell;
  cell.shape_name = read.front();
  cell.shape = parse_shape(cell.shape_name);
  const std::string_view tokens = read.front();
  const auto t =
      number<std::int64_t>(tokens.substr(std::min<std::size_t>(tokens.size(), 2)), 0, kMostTokens);
  if (!tokens.starts_with("T=") || !t) {
    read.fail(fmt::format("\"{}\" is not T=N with N from 0 to {}", tokens, kMostTokens));
  }
  cell.shape.tokens = *t;
  cell.strategy = read.back();
  if (cell.strategy.find('@') == std::string::npos) {
    read.fail(fmt::format("\"{}\" is not STRATEGY@BACKEND", cell.strategy));
  }
  cell.threads = read.option("threads=", 0, kMostThreads).value_or(0);
  cell.seed = read.option<std::uint64_t>("seed=", 0, kMostSeed).value_or(1);
  cell.knobs.capacity_factor =
      read.option<double>("cf=", kLeastCapacityFactor, kMostCapacityFactor);
  const std::string_view dtype = read.back();
  const auto* known = std::ranges::find(kDTypeNames, dtype);
  if (known == kDTypeNames.end()) {
    read.fail(fmt::format("unknown dtype \"{}\", known: {}", dtype, fmt::join(kDTypeNames, ", ")));
  }
  cell.shape.dtype = static_cast<DType>(known - kDTypeNames.begin());
  cell.workload = read.rest();
  if (cell.workload.empty()) read.fail("there is no workload");
  return cell;
}

Cell parse_problem(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  const bool whole =
      slash != std::string_view::npos && name.substr(slash).find('@') != std::string_view::npos;
  Cell cell = parse_cell(whole ? std::string(name) : fmt::format("{}/any@cpu", name));
  cell.strategy.clear();
  return cell;
}

CellCost cost(const Cell& cell) {
  const MoeShape& s = cell.shape;
  constexpr std::int64_t kFloat = 4;
  const std::int64_t weights = 3 * s.experts * s.ffn * s.hidden;
  const std::int64_t rows = s.tokens * s.top_k;
  const std::int64_t of_tokens = s.tokens * (2 * s.hidden + s.experts);  // x, y, logits
  const std::int64_t of_rows = rows * (2 * s.hidden + 2 * s.ffn);        // in, out, gate, up
  const double products = 6.0 * static_cast<double>(rows);
  return {2 * weights * kFloat, (of_tokens + of_rows) * kFloat,
          products * static_cast<double>(s.ffn * s.hidden)};
}

}  // namespace moe::harness
