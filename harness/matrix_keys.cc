#include "harness/matrix_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "harness/shapes.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

using reference::Json;
using Changes = std::vector<Change>;

constexpr int kMostSamples = 1'000'000;
constexpr int kMostWarmup = 1'000'000;
constexpr double kLeastSeconds = 0.001;
constexpr double kMostSeconds = 86'400;

std::string before(const std::string& text, char end) { return text.substr(0, text.find(end)); }

MoeShape inline_shape(const Json& j) {
  static const std::vector<std::string> kKeys = {"hidden", "ffn", "experts", "top_k",
                                                 "renormalize"};
  j.allow_keys(kKeys);
  MoeShape s;
  s.hidden = j.at("hidden").integer(1, kMostHidden);
  s.ffn = j.at("ffn").integer(1, kMostFfn);
  s.experts = j.at("experts").integer(1, kMostExperts);
  s.top_k = j.at("top_k").integer(1, s.experts);
  if (j.has("renormalize")) s.renormalize = j.at("renormalize").boolean();
  return s;
}

void read_shape(const Json& j, const Known& /*known*/, Changes& changes) {
  MoeShape shape;
  std::string name;
  if (j.is_object()) {
    shape = inline_shape(j);
    name = shape_text(shape);
  } else {
    name = j.text();
    try {
      shape = parse_shape(name);
    } catch (const UserError& e) {
      j.fail(e.what());
    }
  }
  changes.emplace_back([shape, name](Cell& c) {
    const MoeShape old = c.shape;
    c.shape = shape;
    c.shape.tokens = old.tokens;
    c.shape.dtype = old.dtype;
    c.shape_name = name;
  });
}

void read_tokens(const Json& j, const Known& /*known*/, Changes& changes) {
  changes.emplace_back([n = j.integer(0, kMostTokens)](Cell& c) { c.shape.tokens = n; });
}

// The parameters are checked where the workload is made; a misspelt kind is caught here already.
void read_workload(const Json& j, const Known& known, Changes& changes) {
  std::string text = j.text();
  std::vector<std::string> kinds;
  for (const std::string& usage : known.workloads) {
    kinds.push_back(usage.substr(0, usage.find_first_not_of("abcdefghijklmnopqrstuvwxyz_-")));
  }
  const std::string kind = before(text, ':');
  if (std::ranges::find(kinds, kind) == kinds.end()) {
    j.fail(fmt::format("unknown workload \"{}\"{}; known: {}", kind, did_you_mean(kind, kinds),
                       comma_separated(known.workloads)));
  }
  changes.emplace_back([text](Cell& c) { c.workload = text; });
}

void read_dtype(const Json& j, const Known& /*known*/, Changes& changes) {
  static const std::vector<std::string> kTypes(kDTypeNames.begin(), kDTypeNames.end());
  const auto found = std::ranges::find(kTypes, j.one_of(kTypes, "dtype"));
  const auto dtype = static_cast<DType>(found - kTypes.begin());
  changes.emplace_back([dtype](Cell& c) { c.shape.dtype = dtype; });
}

void read_capacity_factor(const Json& j, const Known& /*known*/, Changes& changes) {
  std::optional<double> factor;
  if (!j.is_null()) factor = j.number(kLeastCapacityFactor, kMostCapacityFactor);
  changes.emplace_back([factor](Cell& c) { c.knobs.capacity_factor = factor; });
}

void read_seed(const Json& j, const Known& /*known*/, Changes& changes) {
  const auto n = j.integer(0, std::numeric_limits<std::int64_t>::max());
  changes.emplace_back([n](Cell& c) { c.seed = static_cast<std::uint64_t>(n); });
}

void read_threads(const Json& j, const Known& /*known*/, Changes& changes) {
  const auto n = static_cast<int>(j.integer(0, kMostThreads));
  changes.emplace_back([n](Cell& c) { c.threads = n; });
}

void read_strategy(const Json& j, const Known& known, Changes& changes) {
  const std::string text = j.text();
  try {
    for (const std::string& name : matching_strategies(text, known)) {
      changes.emplace_back([name](Cell& c) { c.strategy = name; });
    }
  } catch (const UserError& e) {
    j.fail(e.what());
  }
}

void read_samples(const Json& j, const Known& /*known*/, Changes& changes) {
  const auto n = static_cast<int>(j.integer(1, kMostSamples));
  changes.emplace_back([n](Cell& c) { c.samples = n; });
}

void read_warmup(const Json& j, const Known& /*known*/, Changes& changes) {
  const auto n = static_cast<int>(j.integer(0, kMostWarmup));
  changes.emplace_back([n](Cell& c) { c.warmup = n; });
}

void read_max_seconds(const Json& j, const Known& /*known*/, Changes& changes) {
  const double seconds = j.number(kLeastSeconds, kMostSeconds);
  changes.emplace_back([seconds](Cell& c) { c.max_seconds = seconds; });
}

template <auto field>
bool equal(const Cell& a, const Cell& b) {
  return a.*field == b.*field;
}

bool same_shape(const Cell& a, const Cell& b) { return a.shape_name == b.shape_name; }
bool same_tokens(const Cell& a, const Cell& b) { return a.shape.tokens == b.shape.tokens; }
bool same_dtype(const Cell& a, const Cell& b) { return a.shape.dtype == b.shape.dtype; }
bool same_factor(const Cell& a, const Cell& b) {
  return a.knobs.capacity_factor == b.knobs.capacity_factor;
}

}  // namespace

std::span<const CellKey> cell_keys() {
  static const std::vector<CellKey> kKeys = {
      {"shape", true, read_shape, same_shape},
      {"tokens", true, read_tokens, same_tokens},
      {"workload", true, read_workload, equal<&Cell::workload>},
      {"dtype", true, read_dtype, same_dtype},
      {"capacity_factor", true, read_capacity_factor, same_factor},
      {"seed", true, read_seed, equal<&Cell::seed>},
      {"threads", true, read_threads, equal<&Cell::threads>},
      {"strategy", true, read_strategy, equal<&Cell::strategy>},
      {"samples", false, read_samples, nullptr},
      {"warmup", false, read_warmup, nullptr},
      {"max_seconds", false, read_max_seconds, nullptr},
  };
  return kKeys;
}

std::vector<std::string> matching_strategies(const std::string& text, const Known& known) {
  static const std::vector<std::string> kBackends = {std::string(to_string(Backend::kCpu)),
                                                     std::string(to_string(Backend::kCuda))};
  if (text == "*") return known.strategies;
  const bool any_backend = text.find('@') == std::string::npos;
  const std::string backend = any_backend ? "" : text.substr(text.find('@') + 1);
  if (!any_backend && std::ranges::find(kBackends, backend) == kBackends.end()) {
    throw UserError(fmt::format("unknown backend \"{}\" of strategy \"{}\"{}; known: {}", backend,
                                text, did_you_mean(backend, kBackends),
                                comma_separated(kBackends)));
  }
  std::vector<std::string> names;
  std::vector<std::string> matching;
  for (const std::string& full : known.strategies) {
    const std::string name = before(full, '@');
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    if (full == text || (any_backend && name == text)) matching.push_back(full);
  }
  const std::string name = before(text, '@');
  if (std::ranges::find(names, name) == names.end()) {
    throw UserError(fmt::format("unknown strategy \"{}\"{}; built: {}", name,
                                did_you_mean(name, names), comma_separated(names)));
  }
  return matching;
}

}  // namespace moe::harness
