#include "harness/workload_name.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <vector>

#include "harness/workload.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

// A name taken apart at its colons.
class Words {
 public:
  explicit Words(const std::string& name) : name_(name) {
    std::size_t begin = 0;
    for (std::size_t end; (end = name.find(':', begin)) != std::string::npos; begin = end + 1) {
      words_.push_back(name.substr(begin, end - begin));
    }
    words_.push_back(name.substr(begin));
  }

  const std::string& kind() const { return words_[0]; }

  void at_most(std::size_t parameters) const {
    if (words_.size() > parameters + 1) {
      throw UserError(fmt::format("workload \"{}\": found {} parameters, expected at most {}",
                                  name_, words_.size() - 1, parameters));
    }
  }

  // Parameter i (from 1), between low and high.
  double number(std::size_t i, char symbol, double fallback, double low, double high) const {
    if (i >= words_.size()) return fallback;
    return read<double>(i, symbol, low, high, "a number");
  }
  std::int64_t count(std::size_t i, char symbol, std::int64_t fallback, std::int64_t high) const {
    if (i >= words_.size()) return fallback;
    return read<std::int64_t>(i, symbol, 1, high, "a whole number");
  }

 private:
  template <class T>
  T read(std::size_t i, char symbol, T low, T high, const char* what) const {
    const std::string& w = words_[i];
    T v{};
    const auto [end, fault] = std::from_chars(w.data(), w.data() + w.size(), v);
    const bool whole = fault == std::errc() && end == w.data() + w.size();
    if (!whole || !(v >= low && v <= high)) {
      throw UserError(fmt::format("workload \"{}\": {} is \"{}\", expected {} from {} to {}", name_,
                                  symbol, w, what, low, high));
    }
    return v;
  }

  std::string name_;
  std::vector<std::string> words_;
};

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  for (const auto& kind : workload_kinds()) {
    names.push_back(kind.usage.substr(0, kind.usage.find(':')));
  }
  return names;
}

}  // namespace

RoutingGenerator parse_generator(const std::string& name, const MoeShape& shape) {
  const Words words(name);
  const std::string& kind = words.kind();
  const auto parameters = [&](std::size_t n) { words.at_most(n); };
  if (kind == "balanced") return parameters(0), Balanced{};
  if (kind == "uniform") return parameters(0), Uniform{};
  if (kind == "collapse") return parameters(0), Collapse{};
  if (kind == "zipf") return parameters(1), Zipf{words.number(1, 'S', Zipf{}.exponent, 0, 16)};
  if (kind == "dirichlet") {
    return parameters(1), Dirichlet{words.number(1, 'A', Dirichlet{}.alpha, 1e-4, 1e6)};
  }
  if (kind == "hot") {
    return parameters(2), Hot{words.count(1, 'M', Hot{}.experts, shape.experts),
                              words.number(2, 'F', Hot{}.fraction, 0, 1)};
  }
  if (kind == "correlated") {
    constexpr std::int64_t kLongest = std::int64_t{1} << 40;
    return parameters(2), Correlated{words.number(1, 'A', Correlated{}.concentration, 1e-3, 1e9),
                                     words.count(2, 'L', Correlated{}.sequence, kLongest)};
  }
  const auto known = known_names();
  throw UserError(fmt::format("workload \"{}\": unknown name \"{}\"{}, expected one of {}", name,
                              kind, did_you_mean(kind, known), comma_separated(known)));
}

std::vector<WorkloadKind> workload_kinds() {
  return {
      {"balanced", "Every expert, and every rank of 2 to 16, gets the same number of tokens."},
      {"uniform", "Every expert is equally likely; chance makes the rest."},
      {"zipf:S", "The r-th most popular expert is chosen in proportion to r^-S (default 1)."},
      {"dirichlet:A", "One draw of popularities; a small A gives a few hot experts (default 0.1)."},
      {"hot:M:F", "A share F of the tokens must include one of M hot experts (default 1 and 1)."},
      {"collapse", "Every token takes the same K experts: the worst case."},
      {"correlated:A:L", "Sequences of L tokens share a topic, by Dir(A/E) (default 8 and 128)."},
      {"trace:FILE#layer=N", "Logits recorded from a model, cropped or repeated to size."},
  };
}

}  // namespace moe::harness
