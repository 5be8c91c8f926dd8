// Numbers as PTX writes them.
#include "harness/simt/ptx/immediate.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <string_view>

#include "harness/simt/ptx/lexer.h"

namespace moe::simt::ptx {
namespace {

[[noreturn]] void refuse(const Lexer& lexer, const Token& token) {
  lexer.fail(token, fmt::format("{} is not a number", token.text));
}

std::uint64_t digits(const Lexer& lexer, const Token& token, std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, base);
  if (error == std::errc::result_out_of_range) {
    lexer.fail(token, fmt::format("{} does not fit 64 bits", token.text));
  }
  if (error != std::errc() || stopped != end) refuse(lexer, token);
  return value;
}

std::uint64_t integer(const Lexer& lexer, const Token& token) {
  std::string_view text = token.text;
  if (text.ends_with('U')) text.remove_suffix(1);
  const char marker = text.size() > 1 && text[0] == '0' ? text[1] : ' ';
  if (marker == 'x' || marker == 'X') return digits(lexer, token, text.substr(2), 16);
  if (marker == 'b' || marker == 'B') return digits(lexer, token, text.substr(2), 2);
  if (marker != ' ') return digits(lexer, token, text.substr(1), 8);
  return digits(lexer, token, text, 10);
}

// 0f and 8 hexadecimal digits, 0d and 16: the bits of the value.
std::uint64_t float_bits(const Lexer& lexer, const Token& token, std::size_t count) {
  if (token.text.size() != 2 + count) {
    lexer.fail(token, fmt::format("{} has not {} hexadecimal digits", token.text, count));
  }
  return digits(lexer, token, token.text.substr(2), 16);
}

std::uint64_t decimal_float(const Lexer& lexer, const Token& token) {
  double value = 0;
  const char* end = token.text.data() + token.text.size();
  const auto [stopped, error] = std::from_chars(token.text.data(), end, value);
  if (error != std::errc() || stopped != end) refuse(lexer, token);
  return std::bit_cast<std::uint64_t>(value);
}

}  // namespace

Immediate parse_number(const Lexer& lexer, const Token& token) {
  const std::string_view text = token.text;
  const std::string_view start = text.substr(0, 2);
  if (start == "0f" || start == "0F") {
    return {Immediate::Kind::kSingle, float_bits(lexer, token, 8)};
  }
  if (start == "0d" || start == "0D") {
    return {Immediate::Kind::kDouble, float_bits(lexer, token, 16)};
  }
  const bool hexadecimal = start == "0x" || start == "0X";
  if (!hexadecimal && text.find_first_of(".eE") != std::string_view::npos) {
    return {Immediate::Kind::kDouble, decimal_float(lexer, token)};
  }
  return {Immediate::Kind::kInteger, integer(lexer, token)};
}

Immediate parse_immediate(Lexer& lexer) {
  const bool negative = lexer.take('-');
  if (lexer.peek().kind != Token::Kind::kNumber) lexer.fail_expected("a number");
  const Token token = lexer.next();
  Immediate value = parse_number(lexer, token);
  if (!negative) return value;
  if (value.kind == Immediate::Kind::kInteger) {
    value.bits = 0 - value.bits;
  } else if (token.text.substr(0, 2).find_first_of("fFdD") != std::string_view::npos) {
    lexer.fail(token, "a sign before the bits of a float");
  } else {
    value.bits ^= std::uint64_t{1} << 63;
  }
  return value;
}

}  // namespace moe::simt::ptx
