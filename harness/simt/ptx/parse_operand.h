// Reads the operands of instructions. Source: PTX ISA 9.0, "Instruction Operands".
#pragma once
#include <string>
#include <vector>

#include "harness/simt/ptx/lexer.h"
#include "harness/simt/ptx/scope.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

class OperandParser {
 public:
  OperandParser(Lexer& lexer, Scopes& scopes) : lexer_(lexer), scopes_(scopes) {}

  // One operand. Throws Error for what PTX has not, and for a register that is not declared.
  Operand parse();
  int parse_guard_register();  // of @%p; throws Error unless it is a predicate

  // Hands the symbols that the operands read since the last call left open to the scopes. The
  // operands stand where they will stay.
  void resolve_symbols(std::vector<Operand>& operands, int line, const std::string& text);

 private:
  Operand parse_address();
  Operand parse_list(char end, Operand::Kind kind);
  Operand parse_negated();
  Operand parse_single();  // a register, `_`, immediate, special register or symbol
  Operand parse_name();
  Operand named(const Token& at, std::string_view name);
  bool is_predicate(const Operand& operand) const;
  std::int64_t parse_offset();  // `+4`, `+-4`; 0 if there is none
  void resolve(Operand& operand, std::size_t& index, int line, const std::string& text);

  Lexer& lexer_;
  Scopes& scopes_;
  std::vector<bool> symbols_open_;  // of each symbol, in order of writing
};

}  // namespace moe::simt::ptx
