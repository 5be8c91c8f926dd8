// Reads the parameters and results of entries and functions.
#include "harness/simt/ptx/parse_parameter.h"

#include <fmt/format.h>

#include <utility>

#include "harness/simt/ptx/parse_variable.h"

namespace moe::simt::ptx {
namespace {

// Chosen by us; a kernel's parameters are at most 32764 bytes, a function's are copies of structs.
constexpr std::int64_t kMostBytes = 1 << 28;

DeclaredParameter parse_parameter(Lexer& lexer, std::int64_t& end) {
  DeclaredParameter declared;
  declared.is_register = lexer.take_dot_word(".reg");
  if (!declared.is_register && !lexer.take_dot_word(".param"))
    lexer.fail_expected(".param or .reg");
  const ElementType element = parse_element_type(lexer);
  declared.type = element.type;
  declared.name = lexer.peek();
  lexer.need_word("the name of a parameter");
  const Dimensions dimensions = parse_dimensions(lexer);
  if (dimensions.unsized) lexer.fail(declared.name, "a parameter without a size");
  if (declared.is_register && (element.lanes > 1 || !dimensions.counts.empty())) {
    lexer.fail(declared.name, "a .reg parameter that is a vector or an array");
  }
  const std::int64_t bytes = checked_bytes(lexer, declared.name, element, dimensions);
  const std::int64_t offset = (end + element.align - 1) / element.align * element.align;
  if (offset + bytes > kMostBytes) lexer.fail(declared.name, "parameters of more than 2^28 bytes");
  end = offset + bytes;
  declared.parameter = {.name = std::string(declared.name.text),
                        .offset = static_cast<int>(offset),
                        .bytes = static_cast<int>(bytes),
                        .align = element.align};
  return declared;
}

}  // namespace

std::vector<DeclaredParameter> parse_parameters(Lexer& lexer) {
  std::vector<DeclaredParameter> all;
  std::int64_t end = 0;
  lexer.need('(');
  if (lexer.take(')')) return all;
  do {
    all.push_back(parse_parameter(lexer, end));
  } while (lexer.take(','));
  lexer.need(')');
  return all;
}

}  // namespace moe::simt::ptx
