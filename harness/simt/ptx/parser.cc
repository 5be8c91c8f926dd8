// Reads a module: its directives, variables and functions. Source: PTX ISA 9.0, "Directives".
#include <fmt/format.h>

#include <limits>
#include <optional>
#include <utility>

#include "harness/simt/ptx/lexer.h"
#include "harness/simt/ptx/parse_body.h"
#include "harness/simt/ptx/parse_function.h"
#include "harness/simt/ptx/parse_variable.h"
#include "harness/simt/ptx/scope.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {
namespace {

// Of all variables together; chosen by us so that a slip is told rather than run out of memory.
constexpr std::size_t kMostInitialBytes = std::size_t{1} << 28;

std::optional<Space> variable_space(std::string_view word) {
  if (word == ".global") return Space::kGlobal;
  if (word == ".const") return Space::kConst;
  if (word == ".shared") return Space::kShared;
  return std::nullopt;
}

class ModuleParser {
 public:
  ModuleParser(std::string_view text, const std::string& name) : lexer_(text, name) {
    module_.name = name;
  }
  Module parse();

 private:
  void parse_statement();
  bool take_simple_directive();
  void parse_target();
  void parse_file();
  void parse_alias();
  void parse_declaration();
  void add_variable(const Token& at, Variable variable);
  void add_function(const Token& at, Function function);
  void resolve_aliases();

  struct Alias {
    Token at;
    std::string name, target;
  };

  Lexer lexer_;
  Module module_;
  NameSet names_;                               // of variables and functions
  NameMap<std::size_t> variables_, functions_;  // -> index in module_
  std::vector<Alias> aliases_;
  std::size_t initial_bytes_ = 0;
};

Module ModuleParser::parse() {
  while (lexer_.peek().kind != Token::Kind::kEnd) parse_statement();
  resolve_aliases();
  return std::move(module_);
}

void ModuleParser::parse_statement() {
  if (lexer_.peek().kind != Token::Kind::kDotWord) lexer_.fail_expected("a directive");
  if (!take_simple_directive()) parse_declaration();
}

bool ModuleParser::take_simple_directive() {
  const std::string_view word = lexer_.peek().text;
  if (word == ".version") {
    lexer_.next();
    if (lexer_.peek().kind != Token::Kind::kNumber) lexer_.fail_expected("a version");
    module_.version = lexer_.next().text;
  } else if (word == ".target") {
    parse_target();
  } else if (word == ".address_size") {
    lexer_.next();
    if (lexer_.peek().text != "64") lexer_.fail_expected("64");
    lexer_.next();
  } else if (word == ".file") {
    parse_file();
  } else if (word == ".section") {
    lexer_.next();
    if (lexer_.peek().kind != Token::Kind::kDotWord) lexer_.fail_expected("the name of a section");
    lexer_.next();
    lexer_.skip_block();
  } else if (word == ".pragma") {
    lexer_.next();
    skip_pragma(lexer_);
  } else if (word == ".alias") {
    parse_alias();
  } else {
    return false;
  }
  return true;
}

// .target sm_100a, debug
void ModuleParser::parse_target() {
  lexer_.next();
  module_.target = lexer_.need_word("an architecture");
  while (lexer_.take(',')) {
    const Token at = lexer_.peek();
    const std::string_view option = lexer_.need_word("an option");
    if (option != "debug" && option != "texmode_unified" && option != "texmode_independent") {
      lexer_.fail(at, fmt::format("unknown option {} of .target", option));
    }
  }
}

// .file 1 "name" with, perhaps, `, time, size`.
void ModuleParser::parse_file() {
  lexer_.next();
  const auto number = lexer_.need_count("a file number", std::numeric_limits<int>::max());
  module_.files[static_cast<int>(number)] = lexer_.need_string("the name of a file");
  while (lexer_.take(',')) lexer_.need_count("a number", std::numeric_limits<std::int64_t>::max());
}

void ModuleParser::parse_alias() {
  const Token at = lexer_.next();
  Alias alias{at, std::string(lexer_.need_word("the name of a function")), {}};
  lexer_.need(',');
  alias.target = lexer_.need_word("the name of a function");
  lexer_.need(';');
  aliases_.push_back(std::move(alias));
}

void ModuleParser::parse_declaration() {
  bool external = false;
  while (true) {
    if (lexer_.take_dot_word(".extern")) {
      external = true;
    } else if (!lexer_.take_dot_word(".visible") && !lexer_.take_dot_word(".weak") &&
               !lexer_.take_dot_word(".common")) {
      break;
    }
  }
  const Token at = lexer_.peek();
  if (lexer_.take_dot_word(".entry")) {
    return add_function(at, parse_function(lexer_, true, names_));
  }
  if (lexer_.take_dot_word(".func")) {
    return add_function(at, parse_function(lexer_, false, names_));
  }
  const std::optional<Space> space = variable_space(at.text);
  if (at.kind != Token::Kind::kDotWord) lexer_.fail_expected("a directive");
  if (!space) lexer_.fail(at, fmt::format("unknown directive {}", at.text));
  lexer_.next();
  for (DeclaredVariable& declared : parse_variables(lexer_, *space, external)) {
    add_variable(declared.name, std::move(declared.variable));
  }
}

void ModuleParser::add_variable(const Token& at, Variable variable) {
  for (const Relocation& relocation : variable.relocations) {
    if (names_.contains(relocation.symbol) || relocation.symbol == variable.name) continue;
    lexer_.fail(at, fmt::format("unknown name {}", relocation.symbol));
  }
  initial_bytes_ += variable.initial.size();
  if (initial_bytes_ > kMostInitialBytes) lexer_.fail(at, "initial values of more than 2^28 bytes");
  const auto [place, is_new] = variables_.try_emplace(variable.name, module_.variables.size());
  if (is_new) {
    if (!names_.insert(variable.name).second) {
      lexer_.fail(at, fmt::format("{} is declared already, as a function", variable.name));
    }
    module_.variables.push_back(std::move(variable));
    return;
  }
  // `.extern` may come any number of times before the definition, and after it.
  Variable& known = module_.variables[place->second];
  if (!known.external && !variable.external) {
    lexer_.fail(at, fmt::format("variable {} is defined already", variable.name));
  }
  if (known.external) known = std::move(variable);
}

void ModuleParser::add_function(const Token& at, Function function) {
  if (variables_.contains(function.name)) {
    lexer_.fail(at, fmt::format("{} is declared already, as a variable", function.name));
  }
  const auto [place, is_new] = functions_.try_emplace(function.name, module_.functions.size());
  if (is_new) {
    module_.functions.push_back(std::move(function));
    return;
  }
  Function& known = module_.functions[place->second];
  if (!known.is_declaration && !function.is_declaration) {
    lexer_.fail(at, fmt::format("function {} is defined already", function.name));
  }
  if (known.is_declaration) known = std::move(function);
}

// The alias becomes a second function with the same body.
void ModuleParser::resolve_aliases() {
  for (const Alias& alias : aliases_) {
    const auto target = functions_.find(alias.target);
    if (target == functions_.end() || module_.functions[target->second].is_declaration) {
      lexer_.fail(alias.at, fmt::format("{} is not a defined function", alias.target));
    }
    const auto declared = functions_.find(alias.name);
    if (declared == functions_.end() || !module_.functions[declared->second].is_declaration) {
      lexer_.fail(alias.at, fmt::format("{} is not a declared function", alias.name));
    }
    Function copy = module_.functions[target->second];
    copy.name = alias.name;
    module_.functions[declared->second] = std::move(copy);
  }
}

}  // namespace

Module parse(std::string_view text, std::string name) { return ModuleParser(text, name).parse(); }

}  // namespace moe::simt::ptx
