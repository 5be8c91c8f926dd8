// Reads the statements of a function between its braces.
#pragma once
#include <string_view>
#include <vector>

#include "harness/simt/ptx/lexer.h"
#include "harness/simt/ptx/parse_operand.h"
#include "harness/simt/ptx/scope.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

class BodyParser {
 public:
  // `scopes` holds the parameters; the body is its outermost scope.
  BodyParser(Lexer& lexer, Function& function, Scopes& scopes)
      : lexer_(lexer), function_(function), scopes_(scopes), operands_(lexer, scopes) {}

  // From behind the opening brace to behind the closing one.
  void parse();

 private:
  void parse_statement();
  void parse_directive();
  void parse_loc();
  void parse_registers();
  void parse_register_range(const Token& name, Type type);
  void parse_label(const Token& name);
  std::vector<std::string> parse_names();
  void parse_branch_targets(const std::string& table, const Token& at);
  void parse_call_prototype();
  void parse_instruction(const Token& first, const Token& opcode, int guard, bool negated);
  void parse_guarded();

  Lexer& lexer_;
  Function& function_;
  Scopes& scopes_;
  OperandParser operands_;
  Place place_;  // of the last .loc
  // Of the instruction being read; kept so that each instruction's own vectors are of the right
  // size.
  std::vector<std::string> modifiers_;
  std::vector<Operand> parsed_;
};

// `.pragma "nounroll";` behind its word: hints to ptxas; PTX lets an implementation ignore any.
void skip_pragma(Lexer& lexer);

}  // namespace moe::simt::ptx
