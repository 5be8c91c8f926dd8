#pragma once
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moe {

// The user's mistake: a bad file, an unknown name. The text is one sentence that names the place,
// what was found, what was expected and the nearest right thing. Programs print it and exit with 2.
class UserError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ` (did you mean "zipf"?)`, or nothing when no known word is near.
std::string did_you_mean(std::string_view found, std::span<const std::string> known);

// `a, b, c`: for the end of such a sentence.
std::string comma_separated(std::span<const std::string> words);

}  // namespace moe
