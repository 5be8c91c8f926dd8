// Cuts a PTX text into tokens. Source: PTX ISA 9.0, "Syntax".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

struct Token {
  enum class Kind : std::uint8_t {
    kEnd,
    kWord,         // an identifier or opcode: add, %r1, $L__BB0_2, _
    kDotWord,      // a directive, modifier or component: .reg, .shared::cta, .x, .16x64b
    kNumber,       // starts with a digit: 12, 0xffU, 0f3F800000, 9.0
    kString,       // with its quotes
    kPunctuation,  // one character
  };
  Kind kind = Kind::kEnd;
  std::string_view text;  // points into the PTX text
  int line = 1;

  bool is(char punctuation) const { return kind == Kind::kPunctuation && text[0] == punctuation; }
  bool is_dot_word(std::string_view word) const { return kind == Kind::kDotWord && text == word; }
};

// Reads ahead by one token. The text must outlive it.
class Lexer {
 public:
  // Throws Error if the text holds a zero byte: it is then not PTX but a binary.
  Lexer(std::string_view text, std::string name);

  const Token& peek() const { return token_; }
  Token next();  // returns the current token and reads the one after it

  bool take(char punctuation);  // takes it if it is there
  bool take_dot_word(std::string_view word);
  void need(char punctuation);  // takes it or throws Error
  std::string_view need_word(std::string_view what);
  // A string without its quotes.
  std::string_view need_string(std::string_view what);
  // An integer without sign, of at most `most`.
  std::int64_t need_count(std::string_view what, std::int64_t most);

  // Everything up to and including the `}` of the `{` that comes next is left out.
  void skip_block();

  // `from` .. the end of `to`, white space collapsed, comments left out.
  std::string collapsed(const Token& from, const Token& to) const;

  // "name:line: what, the line's text". The first: at the current token.
  [[noreturn]] void fail(std::string_view what) const;
  [[noreturn]] void fail(const Token& at, std::string_view what) const;
  [[noreturn]] void fail_expected(std::string_view what) const;  // "expected what, found ..."
  // For what is found out later: about a statement already read.
  [[noreturn]] void fail(int line, std::string_view text, std::string_view what) const;

 private:
  void read();  // the next token into token_
  void skip_blanks();
  void skip_comment();
  std::string_view take_name(std::size_t begin);
  void read_number(std::size_t begin);
  void read_dot_word(std::size_t begin);
  void read_string(std::size_t begin);

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;  // behind token_
  int line_ = 1;        // of at_
  Token token_;
};

}  // namespace moe::simt::ptx
