// A fuzzer that needs no libFuzzer: changes the embedded texts, the same way in every run, for so
// many seconds. Exits 1 with the text if the parser ends other than with a module or ptx::Error.
//   simt_fuzz_parser_seeds [SECONDS [SEED]]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string>

#include "harness/simt/ptx/fuzz_seeds.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {
namespace {

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t bound) { return bound == 0 ? 0 : random() % bound; }

// A piece of any seed: what is valid somewhere is the best nonsense elsewhere.
std::string_view piece(Random& random) {
  const std::string_view seed = kFuzzSeeds[below(random, kFuzzSeeds.size())];
  return seed.substr(below(random, seed.size()), 1 + below(random, 40));
}

std::string_view word(Random& random) {
  static constexpr std::string_view kWords[] = {"{",
                                                "}",
                                                "(",
                                                ")",
                                                "[",
                                                "]",
                                                "<",
                                                ">",
                                                ";",
                                                ",",
                                                ":",
                                                "|",
                                                "!",
                                                "@",
                                                "+",
                                                "-",
                                                "=",
                                                ".",
                                                "\"",
                                                "/*",
                                                "//",
                                                "\n",
                                                " ",
                                                "_",
                                                "%r1",
                                                "%tid.x",
                                                ".reg",
                                                ".param",
                                                ".global",
                                                ".shared",
                                                ".func",
                                                ".entry",
                                                ".align",
                                                ".loc",
                                                ".b8",
                                                ".u64",
                                                ".f32",
                                                ".pred",
                                                ".v4",
                                                "0x",
                                                "0f",
                                                "0d",
                                                "99999999999999999999",
                                                "1099511627776",
                                                "1e308",
                                                "-1",
                                                "0",
                                                "generic(",
                                                "0xff(",
                                                "L:",
                                                ".branchtargets",
                                                ".callprototype",
                                                ".section",
                                                ".alias",
                                                "::",
                                                "\x80",
                                                "1.5"};
  return kWords[below(random, std::size(kWords))];
}

void change(Random& random, std::string& text) {
  const std::size_t at = below(random, text.size());
  switch (below(random, 6)) {
    case 0:
      text.erase(at, 1 + below(random, 20));
      break;
    case 1:
      text.insert(at, word(random));
      break;
    case 2:
      text.insert(at, piece(random));
      break;
    case 3:
      if (!text.empty()) text[at] = static_cast<char>(random());
      break;
    case 4:
      text.insert(at, text.substr(below(random, text.size()), 1 + below(random, 200)));
      break;
    default:
      text.replace(at, std::min<std::size_t>(4, text.size() - at), word(random));
  }
}

struct Totals {
  long runs = 0, modules = 0;
};

// False, with the reason told, if the parser ends in a third way.
bool run_one(const std::string& text, Totals& totals) {
  ++totals.runs;
  try {
    parse(text, "fuzz.ptx");
    ++totals.modules;
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with("fuzz.ptx:")) return true;
    fmt::print(stderr, "an error without its place: {}\n{}\n", error.what(), text);
    return false;
  } catch (const std::exception& other) {
    fmt::print(stderr, "not a ptx::Error: {}\n{}\n", other.what(), text);
    return false;
  }
  return true;
}

int fuzz(double seconds, unsigned seed) {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  Random random(seed);
  Totals totals;
  for (const std::string_view whole : kFuzzSeeds) {
    parse(whole, "seed.ptx");  // unchanged, each is a module
  }
  while (elapsed() < seconds) {
    std::string text(kFuzzSeeds[below(random, kFuzzSeeds.size())]);
    for (std::size_t changes = 1 + below(random, 4); changes > 0; --changes) change(random, text);
    if (!run_one(text, totals)) return 1;
  }
  fmt::print("{} texts: {} read, {} refused (seed {}, {:.0f} s)\n", totals.runs, totals.modules,
             totals.runs - totals.modules, seed, elapsed());
  return totals.modules > 0 && totals.modules < totals.runs ? 0 : 1;
}

}  // namespace
}  // namespace moe::simt::ptx

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const unsigned seed = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1;
  return moe::simt::ptx::fuzz(seconds, seed);
}
