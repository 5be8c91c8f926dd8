// The words of the lexer's errors, and the text of statements.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "harness/simt/ptx/lexer.h"

namespace moe::simt::ptx {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Long lines (wgmma has hundreds of registers) would hide the message.
constexpr std::size_t kMostText = 200;

std::string shortened(std::string text) {
  if (text.size() <= kMostText) return text;
  text.resize(kMostText);
  return text + "...";
}

std::string collapse(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool gap = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char after = text[i] == '/' && i + 1 < text.size() ? text[i + 1] : ' ';
    if (after == '/') {
      i = std::min(text.find('\n', i), text.size());
      gap = true;
    } else if (after == '*' && text.find("*/", i + 2) != std::string_view::npos) {
      i = text.find("*/", i + 2) + 1;
      gap = true;
    } else if (is_blank(text[i])) {
      gap = true;
    } else {
      if (gap && !out.empty()) out += ' ';
      gap = false;
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string Lexer::collapsed(const Token& from, const Token& to) const {
  const char* end = to.text.data() + to.text.size();
  return collapse({from.text.data(), static_cast<std::size_t>(end - from.text.data())});
}

void Lexer::fail(int line, std::string_view text, std::string_view what) const {
  throw Error(fmt::format("{}:{}: {}, {}", name_, line, what, shortened(std::string(text))));
}

void Lexer::fail(const Token& at, std::string_view what) const {
  if (at.kind == Token::Kind::kEnd) {
    throw Error(fmt::format("{}:{}: {}, the text ends here", name_, at.line, what));
  }
  const auto offset = static_cast<std::size_t>(at.text.data() - text_.data());
  const std::size_t before = text_.rfind('\n', offset);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const std::size_t end = std::min(text_.find('\n', offset), text_.size());
  fail(at.line, collapse(text_.substr(begin, end - begin)), what);
}

void Lexer::fail(std::string_view what) const { fail(token_, what); }

void Lexer::fail_expected(std::string_view what) const {
  if (token_.kind == Token::Kind::kEnd) fail(fmt::format("expected {}", what));
  fail(fmt::format("expected {}, found {}", what, shortened(std::string(token_.text))));
}

}  // namespace moe::simt::ptx
