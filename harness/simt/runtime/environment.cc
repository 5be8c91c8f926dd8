// Reads and writes the MOEBENCH_SIM_* variables.
#include "harness/simt/runtime/environment.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <map>
#include <random>
#include <string_view>
#include <vector>

#include "harness/simt/machine/device.h"
#include "kernels/contract/error.h"

namespace moe::simt {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& found,
                         std::string_view expected) {
  throw UserError(fmt::format("{}={}: expected {}", name, found, expected));
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class Value>
Value choose(const std::string& name, const std::string& found,
             const std::map<std::string, Value, std::less<>>& choices) {
  const auto choice = choices.find(found);
  if (choice != choices.end()) return choice->second;
  std::vector<std::string> words;
  for (const auto& [word, value] : choices) words.push_back(word);
  refuse(name, found,
         fmt::format("one of {}{}", comma_separated(words), did_you_mean(found, words)));
}

void read_schedule(const std::string& name, const std::string& text, Settings& settings) {
  const std::size_t colon = text.find(':');
  const std::string word = text.substr(0, colon);
  settings.schedule = choose<Schedule>(name, word,
                                       {{"natural", Schedule::kNatural},
                                        {"reversed", Schedule::kReversed},
                                        {"random", Schedule::kRandom}});
  if (colon != std::string::npos) {
    const auto seed = number(std::string_view(text).substr(colon + 1));
    if (settings.schedule != Schedule::kRandom || !seed) {
      refuse(name, text, "natural, reversed, random, or random:SEED with a whole number");
    }
    settings.seed = *seed;
  } else if (settings.schedule == Schedule::kRandom) {
    settings.seed =
        std::random_device{}();  // printed with every failure, so that it can be repeated
  }
}

std::string_view word_of(AsyncCompletion async) {
  switch (async) {
    case AsyncCompletion::kEarly:
      return "early";
    case AsyncCompletion::kLate:
      return "late";
    case AsyncCompletion::kRandom:
      return "random";
  }
  return "late";
}

std::string word_of(const Settings& settings) {
  switch (settings.schedule) {
    case Schedule::kNatural:
      return "natural";
    case Schedule::kReversed:
      return "reversed";
    case Schedule::kRandom:
      return fmt::format("random:{}", settings.seed);
  }
  return "natural";
}

}  // namespace

Environment read_environment(const VariableReader& variable) {
  Environment environment;
  const auto read = [&](const char* suffix, auto&& use) {
    const std::string name = fmt::format("MOEBENCH_SIM_{}", suffix);
    if (const auto text = variable(name)) use(name, *text);
  };
  const auto read_switch = [&](const char* suffix, bool& value) {
    read(suffix, [&](const std::string& name, const std::string& text) {
      value = choose<bool>(name, text, {{"0", false}, {"1", true}, {"off", false}, {"on", true}});
    });
  };

  read("ARCH", [&](const std::string& name, const std::string& text) {
    std::map<std::string, std::string, std::less<>> known;
    for (const Architecture& each : architectures()) known[each.name] = each.name;
    environment.architecture = choose(name, text, known);
  });
  read("SCHEDULE", [&](const std::string& name, const std::string& text) {
    read_schedule(name, text, environment.settings);
  });
  read("ASYNC", [&](const std::string& name, const std::string& text) {
    environment.settings.async = choose<AsyncCompletion>(name, text,
                                                         {{"early", AsyncCompletion::kEarly},
                                                          {"late", AsyncCompletion::kLate},
                                                          {"random", AsyncCompletion::kRandom}});
  });
  read("WORKERS", [&](const std::string& name, const std::string& text) {
    const auto workers = number(text);
    if (!workers || *workers < 1 || *workers > 1024)
      refuse(name, text, "a whole number from 1 to 1024");
    environment.settings.workers = static_cast<int>(*workers);
    if (*workers > 1 && environment.settings.schedule != Schedule::kNatural) {
      refuse(name, text, "1, because MOEBENCH_SIM_SCHEDULE is not natural");
    }
  });
  read_switch("CHECK", environment.settings.check_races);
  read_switch("STRICT", environment.strict);
  read_switch("LEAKS", environment.leaks);
  read("REPORT", [&](const std::string& name, const std::string& text) {
    if (text.empty()) refuse(name, text, "the path of the JSON file to write");
    environment.report = text;
  });
  return environment;
}

std::optional<std::string> variable_of_process(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

std::string as_variables(const std::string& architecture, const Settings& settings) {
  return fmt::format(
      "MOEBENCH_SIM_ARCH={} MOEBENCH_SIM_SCHEDULE={} MOEBENCH_SIM_ASYNC={} MOEBENCH_SIM_WORKERS={} "
      "MOEBENCH_SIM_CHECK={}",
      architecture, word_of(settings), word_of(settings.async), settings.workers,
      settings.check_races ? "on" : "off");
}

}  // namespace moe::simt
