// Reads the statements of a function between its braces.
#include "harness/simt/ptx/parse_body.h"

#include <fmt/format.h>

#include <iterator>
#include <limits>
#include <utility>

#include "harness/simt/ptx/parse_parameter.h"
#include "harness/simt/ptx/parse_variable.h"

namespace moe::simt::ptx {
namespace {

constexpr std::int64_t kMostInt = std::numeric_limits<int>::max();
std::optional<Space> variable_space(std::string_view word) {
  if (word == ".shared") return Space::kShared;
  if (word == ".local") return Space::kLocal;
  if (word == ".param") return Space::kParam;
  return std::nullopt;
}

}  // namespace

void BodyParser::parse() {
  const int outermost = scopes_.depth();
  while (true) {
    const Token token = lexer_.peek();
    if (lexer_.take('{')) {
      scopes_.open(token);
    } else if (lexer_.peek().is('}')) {
      scopes_.close();
      lexer_.next();
      if (scopes_.depth() < outermost) return;
    } else {
      parse_statement();
    }
  }
}

void BodyParser::parse_statement() {
  const Token& token = lexer_.peek();
  if (token.kind == Token::Kind::kDotWord) return parse_directive();
  if (token.is('@')) return parse_guarded();
  if (token.kind != Token::Kind::kWord) lexer_.fail_expected("a statement");
  const Token word = lexer_.next();
  if (lexer_.take(':')) return parse_label(word);
  parse_instruction(word, word, -1, false);
}

void BodyParser::parse_directive() {
  if (lexer_.take_dot_word(".loc")) return parse_loc();
  if (lexer_.take_dot_word(".reg")) return parse_registers();
  if (lexer_.take_dot_word(".pragma")) return skip_pragma(lexer_);
  const std::optional<Space> space = variable_space(lexer_.peek().text);
  if (!space) lexer_.fail(fmt::format("unknown directive {}", lexer_.peek().text));
  lexer_.next();
  for (DeclaredVariable& declared : parse_variables(lexer_, *space, false)) {
    declared.variable.name = scopes_.add_variable(declared.name, declared.name.text);
    declared.variable.place.source_file = place_.source_file;
    declared.variable.place.source_line = place_.source_line;
    function_.variables.push_back(std::move(declared.variable));
  }
}

// .loc 1 20 5, function_name $L__info_string0 + 4, inlined_at 2 112 5
void BodyParser::parse_loc() {
  place_.source_file = static_cast<int>(lexer_.need_count("a file number", kMostInt));
  place_.source_line = static_cast<int>(lexer_.need_count("a line number", kMostInt));
  lexer_.need_count("a column", kMostInt);
  while (lexer_.take(',')) {
    const std::string_view word = lexer_.need_word("function_name or inlined_at");
    if (word == "function_name") {
      lexer_.need_word("a label");
      if (lexer_.take('+')) lexer_.need_count("an offset", kMostInt);
    } else if (word == "inlined_at") {
      for (const char* what : {"a file number", "a line number", "a column"}) {
        lexer_.need_count(what, kMostInt);
      }
    } else {
      lexer_.fail(fmt::format("expected function_name or inlined_at, found {}", word));
    }
  }
}

// .reg .b32 %r<10>, %x;  .reg .v4 .f32 %v;
void BodyParser::parse_registers() {
  const ElementType element = parse_element_type(lexer_);
  do {
    const Token name = lexer_.peek();
    lexer_.need_word("the name of a register");
    if (lexer_.peek().is('<')) {
      if (element.lanes > 1) lexer_.fail("a range of vector registers");
      parse_register_range(name, element.type);
    } else if (element.lanes > 1) {
      scopes_.add_vector_register(name, std::string(name.text), element.type, element.lanes);
    } else {
      scopes_.add_register(name, std::string(name.text), element.type);
    }
  } while (lexer_.take(','));
  lexer_.need(';');
}

void BodyParser::parse_register_range(const Token& name, Type type) {
  lexer_.need('<');
  const std::int64_t count = lexer_.need_count("the number of registers", kMostRegisters);
  lexer_.need('>');
  scopes_.expect_registers(count);
  for (std::int64_t i = 0; i < count; ++i) {
    scopes_.add_register(name, fmt::format("{}{}", name.text, i), type);
  }
}

void BodyParser::parse_label(const Token& name) {
  const std::string unique = scopes_.add_label(name, name.text);
  if (lexer_.take_dot_word(".branchtargets")) return parse_branch_targets(unique, name);
  if (lexer_.take_dot_word(".callprototype")) return parse_call_prototype();
  if (lexer_.take_dot_word(".calltargets")) {
    function_.call_targets[unique] = parse_names();
    for (std::string& target : function_.call_targets[unique]) {
      scopes_.resolve_later(target, name.line, fmt::format("{}: .calltargets", name.text));
    }
    return;
  }
  function_.labels.emplace(unique, static_cast<int>(function_.body.size()));
}

std::vector<std::string> BodyParser::parse_names() {
  std::vector<std::string> names;
  do {
    names.emplace_back(lexer_.need_word("a name"));
  } while (lexer_.take(','));
  lexer_.need(';');
  return names;
}

void BodyParser::parse_branch_targets(const std::string& table, const Token& at) {
  std::vector<std::string>& targets = function_.branch_targets[table] = parse_names();
  for (std::string& target : targets) {
    const Meaning* meaning = scopes_.find(target);
    if (meaning == nullptr) {
      scopes_.resolve_later(target, at.line, fmt::format("{}: .branchtargets", at.text));
    } else if (meaning->kind == Meaning::Kind::kLabel) {
      target = meaning->unique;
    } else {
      lexer_.fail(at, fmt::format("{} is not a label", target));
    }
  }
}

// p: .callprototype (.param .b32 _) _ (.param .b64 _); the callee says the same of itself.
void BodyParser::parse_call_prototype() {
  if (lexer_.peek().is('(')) parse_parameters(lexer_);
  if (lexer_.need_word("_") != "_") lexer_.fail("expected _ for the name in a prototype");
  if (lexer_.peek().is('(')) parse_parameters(lexer_);
  lexer_.take_dot_word(".noreturn");
  lexer_.need(';');
}

// @%p add ...;  @!%p bra ...;
void BodyParser::parse_guarded() {
  const Token at = lexer_.next();
  const bool negated = lexer_.take('!');
  const int guard = operands_.parse_guard_register();
  const Token opcode = lexer_.peek();
  lexer_.need_word("an instruction behind its guard");
  parse_instruction(at, opcode, guard, negated);
}

void BodyParser::parse_instruction(const Token& first, const Token& opcode, int guard,
                                   bool negated) {
  modifiers_.clear();
  while (lexer_.peek().kind == Token::Kind::kDotWord) {
    modifiers_.emplace_back(lexer_.next().text.substr(1));
  }
  parsed_.clear();
  if (!lexer_.peek().is(';')) {
    do {
      parsed_.push_back(operands_.parse());
    } while (lexer_.take(','));
  }
  const Token end = lexer_.peek();
  lexer_.need(';');

  Instruction& instruction = function_.body.emplace_back();
  instruction.opcode = opcode.text;
  instruction.modifiers.assign(std::make_move_iterator(modifiers_.begin()),
                               std::make_move_iterator(modifiers_.end()));
  instruction.operands.assign(std::make_move_iterator(parsed_.begin()),
                              std::make_move_iterator(parsed_.end()));
  instruction.guard = guard;
  instruction.guard_negated = negated;
  instruction.place = place_;
  instruction.place.line = first.line;
  instruction.text = lexer_.collapsed(first, end);
  operands_.resolve_symbols(instruction.operands, first.line, instruction.text);
}

void skip_pragma(Lexer& lexer) {
  do {
    lexer.need_string("a string");
  } while (lexer.take(','));
  lexer.need(';');
}

}  // namespace moe::simt::ptx
