#include "harness/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace moe::harness {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The longest prefix of at most `width` bytes that ends with a whole character.
std::string_view prefix(std::string_view text, std::size_t width) {
  if (text.size() <= width) return text;
  while (width > 0 && continues_character(text[width])) --width;
  return text.substr(0, width);
}

}  // namespace

std::string format_time(double ns) {
  constexpr const char* kUnits[] = {"ns", "us", "ms", "s"};
  std::size_t unit = 0;
  while (ns >= 999.5 && unit < 3) {
    ns /= 1000;
    ++unit;
  }
  const int digits = ns < 9.995 ? 2 : ns < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", ns, digits, kUnits[unit]);
}

std::string format_ratio(double ratio) {
  return fmt::format("{:.{}f}", ratio, ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return out;
}

std::string cut(std::string_view text, std::size_t width) {
  if (text.size() <= width) return std::string(text);
  if (width == 0) return "";
  return std::string(prefix(text, width - 1)).append("~");
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  std::string line(std::min(text.find_first_not_of(' '), text.size()), ' ');
  text.remove_prefix(line.size());
  const auto end_line = [&] {
    out.append(line).append("\n");
    line.assign(indent, ' ');
  };
  const auto empty = [&] { return line.find_first_not_of(' ') == line.npos; };
  while (!text.empty()) {
    std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!empty() && line.size() + 1 + word.size() > width) end_line();
    if (!empty()) line += ' ';
    while (line.size() + word.size() > width) {
      const auto room = width > line.size() ? width - line.size() : 1;
      const auto part = std::max<std::size_t>(prefix(word, room).size(), 1);
      line.append(word.substr(0, part));
      word.remove_prefix(part);
      end_line();
    }
    line.append(word);
  }
  if (!empty() || out.empty()) out.append(line).append("\n");
  return out;
}

std::vector<std::string> shortened(const std::vector<std::string>& names, std::size_t width) {
  std::vector<std::string> out;
  std::set<std::string> taken;
  for (const std::string& name : names) {
    const std::size_t at = std::min(name.rfind('@'), name.size());
    const std::string end = name.size() - at < width / 2 ? name.substr(at) : "";
    const std::string_view begin = std::string_view(name).substr(0, name.size() - end.size());
    const std::size_t room = width - end.size();
    std::string candidate = cut(begin, room).append(end);
    for (int n = 2; !taken.insert(candidate).second; ++n) {
      const std::string number = fmt::format("~{}", n);
      candidate = std::string(prefix(begin, room - std::min(room, number.size())));
      candidate.append(number).append(end);
    }
    out.push_back(candidate);
  }
  return out;
}

}  // namespace moe::harness
