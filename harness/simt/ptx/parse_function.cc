// Reads entries and functions.
#include "harness/simt/ptx/parse_function.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "harness/simt/ptx/parse_body.h"
#include "harness/simt/ptx/parse_parameter.h"

namespace moe::simt::ptx {
namespace {

constexpr std::int64_t kMostThreads = 1 << 30;

// `256`, `256, 1` or `256, 1, 1`: what is left out is 1.
void parse_dimension_list(Lexer& lexer, int (&dimensions)[3]) {
  std::fill(std::begin(dimensions), std::end(dimensions), 1);
  for (int i = 0; i < 3; ++i) {
    if (i > 0 && !lexer.take(',')) return;
    dimensions[i] = static_cast<int>(lexer.need_count("a number of threads", kMostThreads));
  }
}

// The directives between a function's parameters and its body. False: there is none.
bool take_tuning_directive(Lexer& lexer, Function& function) {
  const Token at = lexer.peek();
  if (at.kind != Token::Kind::kDotWord) return false;
  lexer.next();
  if (at.text == ".maxntid") {
    parse_dimension_list(lexer, function.max_threads);
  } else if (at.text == ".reqntid") {
    parse_dimension_list(lexer, function.required_threads);
  } else if (at.text == ".reqnctapercluster") {
    parse_dimension_list(lexer, function.cluster);
  } else if (at.text == ".minnctapersm") {
    function.min_blocks_per_sm = static_cast<int>(lexer.need_count("a number", kMostThreads));
  } else if (at.text == ".maxnreg" || at.text == ".maxnctapersm" || at.text == ".maxclusterrank") {
    lexer.need_count("a number", kMostThreads);  // for ptxas, or a promise
  } else if (at.text == ".pragma") {
    skip_pragma(lexer);
  } else if (at.text != ".explicitcluster" && at.text != ".blocksareclusters" &&
             at.text != ".noreturn") {
    lexer.fail(at, fmt::format("unknown directive {}", at.text));
  }
  return true;
}

std::vector<Parameter> add_parameters(Scopes& scopes, std::vector<DeclaredParameter> all) {
  std::vector<Parameter> parameters;
  for (DeclaredParameter& declared : all) {
    if (declared.is_register) {
      scopes.add_register(declared.name, declared.parameter.name, declared.type);
    } else if (declared.parameter.name != "_") {
      declared.parameter.name = scopes.add_variable(declared.name, declared.parameter.name);
    }
    parameters.push_back(std::move(declared.parameter));
  }
  return parameters;
}

}  // namespace

Function parse_function(Lexer& lexer, bool is_entry, NameSet& module_names) {
  Function function;
  function.is_entry = is_entry;
  while (lexer.take_dot_word(".noreturn")) {
  }
  Scopes scopes(lexer, function, module_names);
  std::vector<DeclaredParameter> results;
  if (!is_entry && lexer.peek().is('(')) results = parse_parameters(lexer);
  function.place.line = lexer.peek().line;
  function.name = lexer.need_word("the name of a function");
  module_names.insert(function.name);
  function.results = add_parameters(scopes, std::move(results));
  if (lexer.peek().is('(')) {
    function.parameters = add_parameters(scopes, parse_parameters(lexer));
    if (!function.parameters.empty()) {
      const Parameter& last = function.parameters.back();
      function.parameter_bytes = last.offset + last.bytes;
    }
  }
  while (take_tuning_directive(lexer, function)) {
  }
  if (lexer.take(';')) {
    function.is_declaration = true;
    return function;
  }
  if (!lexer.take('{')) lexer.fail_expected("{ or ;");
  BodyParser(lexer, function, scopes).parse();
  scopes.finish();
  return function;
}

}  // namespace moe::simt::ptx
