#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace moe::harness {

// Text for people: terminals and reports.

// Three digits and the unit that fits: "850 ns", "1.23 ms". At most 8 characters.
std::string format_time(double ns);

// "0.85", "12.3", "1234".
std::string format_ratio(double ratio);

// Without control characters, which could move the cursor or break a line: what is printed may come
// from a file or from a worker that crashed.
std::string printable(std::string_view text);

// The first `width` characters at most; the last one is '~' when something was cut off. Never cuts
// within a character of UTF-8.
std::string cut(std::string_view text, std::size_t width);

// Lines of at most `width` bytes, broken at spaces, within a word only when it is longer than a
// line. Lines but the first begin with `indent` spaces, the first with those it has. Ends with
// a line end.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent = 0);

// The names, none longer than `width`, all still different. What follows an '@' is kept.
std::vector<std::string> shortened(const std::vector<std::string>& names, std::size_t width);

}  // namespace moe::harness
