// Reads the operands of instructions.
#include "harness/simt/ptx/parse_operand.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/simt/ptx/immediate.h"
#include "harness/simt/ptx/special_register.h"

namespace moe::simt::ptx {
namespace {

Operand register_operand(int index) {
  Operand operand;
  operand.kind = Operand::Kind::kRegister;
  operand.reg = index;
  return operand;
}

Operand immediate_operand(Lexer& lexer) {
  const Immediate value = parse_immediate(lexer);
  Operand operand;
  operand.kind = Operand::Kind::kImmediate;
  operand.bits = value.bits;
  operand.is_float = value.kind == Immediate::Kind::kSingle;
  operand.is_double = value.kind == Immediate::Kind::kDouble;
  return operand;
}

}  // namespace

Operand OperandParser::parse() {
  if (lexer_.peek().is('[')) return parse_address();
  if (lexer_.peek().is('{')) return parse_list('}', Operand::Kind::kVector);
  if (lexer_.peek().is('(')) return parse_list(')', Operand::Kind::kGroup);
  if (lexer_.peek().is('!')) return parse_negated();
  Operand operand = parse_single();
  if (operand.kind == Operand::Kind::kSymbol) operand.offset = parse_offset();
  if (!lexer_.take('|')) return operand;
  Operand pair;
  pair.kind = Operand::Kind::kPair;
  pair.parts.push_back(std::move(operand));
  pair.parts.push_back(parse_single());
  return pair;
}

// [a], [a+4], [16], [map, {x, y}], [map, {x, y}], [a, b]
Operand OperandParser::parse_address() {
  lexer_.need('[');
  Operand address;
  address.kind = Operand::Kind::kAddress;
  address.parts.push_back(parse_single());
  address.offset = parse_offset();
  while (lexer_.take(',')) {
    address.parts.push_back(lexer_.peek().is('{') ? parse_list('}', Operand::Kind::kVector)
                                                  : parse_single());
  }
  lexer_.need(']');
  return address;
}

Operand OperandParser::parse_list(char end, Operand::Kind kind) {
  lexer_.next();
  Operand list;
  list.kind = kind;
  if (kind == Operand::Kind::kGroup && lexer_.take(end)) return list;
  do {
    list.parts.push_back(parse_single());
  } while (lexer_.take(','));
  lexer_.need(end);
  return list;
}

Operand OperandParser::parse_negated() {
  lexer_.need('!');
  const Token at = lexer_.peek();
  Operand operand = parse_single();
  if (!is_predicate(operand)) lexer_.fail(at, "expected a predicate behind !");
  operand.negated = true;
  return operand;
}

Operand OperandParser::parse_single() {
  const Token& token = lexer_.peek();
  if (token.kind == Token::Kind::kWord) return parse_name();
  if (token.kind == Token::Kind::kNumber || token.is('-')) return immediate_operand(lexer_);
  lexer_.fail_expected("an operand");
}

// `%tid.x` is two tokens, and one name.
Operand OperandParser::parse_name() {
  const Token word = lexer_.next();
  const Token& after = lexer_.peek();
  const bool adjacent = after.text.data() == word.text.data() + word.text.size();
  if (after.kind != Token::Kind::kDotWord || !adjacent) return named(word, word.text);
  const Token component = lexer_.next();
  return named(word, {word.text.data(), word.text.size() + component.text.size()});
}

Operand OperandParser::named(const Token& at, std::string_view name) {
  Operand operand;
  if (name == "_") return operand;
  if (const Meaning* meaning = scopes_.find(name)) {
    if (meaning->kind == Meaning::Kind::kRegister) return register_operand(meaning->index);
    if (meaning->kind == Meaning::Kind::kVectorRegister) {
      operand.kind = Operand::Kind::kVector;
      for (int i = 0; i < meaning->count; ++i) {
        operand.parts.push_back(register_operand(meaning->index + i));
      }
      return operand;
    }
    operand.kind = Operand::Kind::kSymbol;
    operand.name = meaning->unique;
    symbols_open_.push_back(false);
    return operand;
  }
  operand.name = name;
  if (is_special_register(name)) {
    operand.kind = Operand::Kind::kSpecial;
    return operand;
  }
  if (name[0] == '%') lexer_.fail(at, fmt::format("register {} is not declared", name));
  if (name.find('.') != std::string_view::npos)
    lexer_.fail(at, fmt::format("unknown name {}", name));
  operand.kind = Operand::Kind::kSymbol;
  symbols_open_.push_back(true);
  return operand;
}

std::int64_t OperandParser::parse_offset() {
  if (!lexer_.take('+')) return 0;
  const Token at = lexer_.peek();
  const Immediate value = parse_immediate(lexer_);
  if (value.kind != Immediate::Kind::kInteger) lexer_.fail(at, "expected an integer offset");
  return static_cast<std::int64_t>(value.bits);
}

bool OperandParser::is_predicate(const Operand& operand) const {
  return operand.kind == Operand::Kind::kRegister && scopes_.is_predicate(operand.reg);
}

int OperandParser::parse_guard_register() {
  const Token at = lexer_.peek();
  const Operand operand = parse_single();
  if (!is_predicate(operand)) lexer_.fail(at, "expected a predicate behind @");
  return operand.reg;
}

void OperandParser::resolve(Operand& operand, std::size_t& index, int line,
                            const std::string& text) {
  if (operand.kind == Operand::Kind::kSymbol && symbols_open_[index++]) {
    scopes_.resolve_later(operand.name, line, text);
  }
  for (Operand& part : operand.parts) resolve(part, index, line, text);
}

void OperandParser::resolve_symbols(std::vector<Operand>& operands, int line,
                                    const std::string& text) {
  const bool any_open = std::ranges::find(symbols_open_, true) != symbols_open_.end();
  std::size_t index = 0;
  if (any_open) {
    for (Operand& operand : operands) resolve(operand, index, line, text);
  }
  symbols_open_.clear();
}

}  // namespace moe::simt::ptx
