// Cuts a PTX text into tokens.
#include "harness/simt/ptx/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "harness/simt/ptx/immediate.h"

namespace moe::simt::ptx {
namespace {

enum : std::uint8_t { kBlank = 1, kNameStart = 2, kName = 4, kDigit = 8, kMark = 16 };

// One table look-up a character: CUB's modules have a hundred thousand lines.
constexpr std::array<std::uint8_t, 256> character_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[c] = classes[c - 'a' + 'A'] = kNameStart | kName;
  for (int c = '0'; c <= '9'; ++c) classes[c] = kName | kDigit;
  for (char c : std::string_view("_$")) classes[static_cast<unsigned char>(c)] = kNameStart | kName;
  classes['%'] = kNameStart;
  for (char c : std::string_view(" \t\r\n\v\f")) classes[static_cast<unsigned char>(c)] = kBlank;
  for (char c : std::string_view("{}()[]<>,;:@!|+-=")) {
    classes[static_cast<unsigned char>(c)] = kMark;
  }
  return classes;
}
constexpr auto kClasses = character_classes();

bool has(char c, std::uint8_t wanted) {
  return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

}  // namespace

Lexer::Lexer(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {
  const std::size_t zero = text.find('\0');
  if (zero != std::string_view::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(zero), '\n');
    throw Error(fmt::format("{}:{}: a zero byte, expected PTX text", name_, line));
  }
  read();
}

Token Lexer::next() {
  Token token = token_;
  read();
  return token;
}

void Lexer::skip_comment() {
  const std::size_t begin = at_;
  if (text_[at_ + 1] == '/') {
    at_ = std::min(text_.find('\n', at_), text_.size());
    return;
  }
  const std::size_t end = text_.find("*/", at_ + 2);
  if (end == std::string_view::npos) {
    const Token start{Token::Kind::kPunctuation, text_.substr(begin, 1), line_};
    fail(start, "a comment that does not end");
  }
  at_ = end + 2;
  line_ += static_cast<int>(std::count(text_.begin() + static_cast<long>(begin),
                                       text_.begin() + static_cast<long>(at_), '\n'));
}

void Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n') {
      ++line_;
      ++at_;
    } else if (has(c, kBlank)) {
      ++at_;
    } else if (c == '/' && at_ + 1 < text_.size() &&
               (text_[at_ + 1] == '/' || text_[at_ + 1] == '*')) {
      skip_comment();
    } else {
      return;
    }
  }
}

std::string_view Lexer::take_name(std::size_t begin) {
  while (at_ < text_.size() && has(text_[at_], kName)) ++at_;
  return text_.substr(begin, at_ - begin);
}

// 12, 12U, 0x1F, 0b101, 0f3F800000, 1.5, 2.5e-3. What it stands for is immediate.cc's business.
void Lexer::read_number(std::size_t begin) {
  take_name(begin);
  const auto follows = [&](std::size_t i, auto is) { return i < text_.size() && is(text_[i]); };
  const auto digit = [](char c) { return has(c, kDigit); };
  if (follows(at_, [](char c) { return c == '.'; }) && follows(at_ + 1, digit)) {
    ++at_;
    take_name(begin);
  }
  const bool plain = text_[begin] != '0' || at_ == begin + 1 || digit(text_[begin + 1]) ||
                     text_[begin + 1] == '.';  // not 0x, 0b, 0f, 0d
  const bool exponent = text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E';
  const auto sign = [](char c) { return c == '+' || c == '-'; };
  if (plain && exponent && follows(at_, sign) && follows(at_ + 1, digit)) {
    ++at_;
    take_name(begin);
  }
  token_.kind = Token::Kind::kNumber;
}

// Also `.shared::cta`, `.mbarrier::complete_tx::bytes`.
void Lexer::read_dot_word(std::size_t begin) {
  ++at_;
  if (take_name(begin).size() == 1) fail(token_, "a dot with no word behind it");
  while (text_.substr(at_, 2) == "::" && at_ + 2 < text_.size() && has(text_[at_ + 2], kName)) {
    at_ += 2;
    take_name(begin);
  }
  token_.kind = Token::Kind::kDotWord;
}

void Lexer::read_string(std::size_t begin) {
  const std::size_t end = text_.find_first_of("\"\n", at_ + 1);
  if (end == std::string_view::npos || text_[end] == '\n')
    fail(token_, "a string that does not end");
  at_ = end + 1;
  token_.kind = Token::Kind::kString;
  token_.text = text_.substr(begin, at_ - begin);
}

void Lexer::read() {
  skip_blanks();
  const std::size_t begin = at_;
  token_ = {Token::Kind::kPunctuation, text_.substr(begin, 1), line_};
  if (begin == text_.size()) {
    token_.kind = Token::Kind::kEnd;
    return;
  }
  const char c = text_[begin];
  if (has(c, kNameStart)) {
    ++at_;
    take_name(begin);
    token_.kind = Token::Kind::kWord;
  } else if (has(c, kDigit)) {
    read_number(begin);
  } else if (c == '.') {
    read_dot_word(begin);
  } else if (c == '"') {
    read_string(begin);
  } else if (has(c, kMark)) {
    ++at_;
    token_.kind = Token::Kind::kPunctuation;
  } else {
    const auto code = static_cast<unsigned char>(c);
    fail(token_, code > ' ' && code < 0x7f ? fmt::format("unknown character {}", c)
                                           : fmt::format("unknown character 0x{:02x}", code));
  }
  token_.text = text_.substr(begin, at_ - begin);
}

bool Lexer::take(char punctuation) {
  if (!token_.is(punctuation)) return false;
  read();
  return true;
}

bool Lexer::take_dot_word(std::string_view word) {
  if (!token_.is_dot_word(word)) return false;
  read();
  return true;
}

void Lexer::need(char punctuation) {
  if (!take(punctuation)) fail_expected(std::string_view(&punctuation, 1));
}

std::string_view Lexer::need_word(std::string_view what) {
  if (token_.kind != Token::Kind::kWord) fail_expected(what);
  return next().text;
}

std::string_view Lexer::need_string(std::string_view what) {
  if (token_.kind != Token::Kind::kString) fail_expected(what);
  const std::string_view text = next().text;
  return text.substr(1, text.size() - 2);
}

std::int64_t Lexer::need_count(std::string_view what, std::int64_t most) {
  if (token_.kind != Token::Kind::kNumber) fail_expected(what);
  const Immediate value = parse_number(*this, token_);
  if (value.kind != Immediate::Kind::kInteger) fail_expected(what);
  if (value.bits > static_cast<std::uint64_t>(most)) {
    fail(fmt::format("{} is {}, at most {} is possible", what, token_.text, most));
  }
  read();
  return static_cast<std::int64_t>(value.bits);
}

void Lexer::skip_block() {
  need('{');
  int depth = 1;
  while (depth > 0) {
    if (token_.kind == Token::Kind::kEnd) fail_expected("}");
    if (token_.is('{')) ++depth;
    if (token_.is('}')) --depth;
    if (depth > 0) read();
  }
  read();
}

}  // namespace moe::simt::ptx
