// Reads declarations of variables.
#include "harness/simt/ptx/parse_variable.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/simt/ptx/parse_initial.h"

namespace moe::simt::ptx {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{1} << 40;
constexpr std::size_t kMostDimensions = 32;  // chosen by us; nvcc writes one

// .attribute(.managed), .attribute(.unified(1, 2)): who may use the memory is not the program's
// matter.
void skip_attribute(Lexer& lexer) {
  lexer.need('(');
  do {
    if (lexer.take_dot_word(".managed")) continue;
    if (!lexer.take_dot_word(".unified")) lexer.fail_expected(".managed or .unified");
    lexer.need('(');
    lexer.next();
    lexer.need(',');
    lexer.next();
    lexer.need(')');
  } while (lexer.take(','));
  lexer.need(')');
}

int parse_align(Lexer& lexer) {
  const Token at = lexer.peek();
  const std::int64_t align = lexer.need_count("an alignment", 1 << 20);
  if (align == 0 || (align & (align - 1)) != 0)
    lexer.fail(at, "an alignment that is no power of two");
  return static_cast<int>(align);
}

// .ptr .global .align 16: a promise about where a pointer points.
void skip_pointer_promise(Lexer& lexer) {
  for (const std::string_view space : {".global", ".shared", ".local", ".const", ".generic"}) {
    if (lexer.take_dot_word(space)) break;
  }
  if (lexer.take_dot_word(".align")) parse_align(lexer);
}

bool take_lanes(Lexer& lexer, int& lanes) {
  if (lexer.take_dot_word(".v2")) {
    lanes = 2;
  } else if (lexer.take_dot_word(".v4")) {
    lanes = 4;
  } else {
    return false;
  }
  return true;
}

Variable make_variable(Lexer& lexer, const Token& name, Space space, bool external,
                       const ElementType& element) {
  Variable variable{.name = std::string(name.text),
                    .space = space,
                    .align = element.align,
                    .external = external,
                    .initial = {},
                    .relocations = {},
                    .place = {.line = name.line}};
  Dimensions dimensions = parse_dimensions(lexer);
  if (lexer.peek().is('=')) {
    if (space != Space::kGlobal && space != Space::kConst) {
      lexer.fail("an initial value for a variable that is neither .global nor .const");
    }
    lexer.next();
    parse_initial(lexer, element, dimensions, variable);
  } else if (dimensions.unsized && !external) {
    lexer.fail(name, fmt::format("{} has no size", name.text));
  }
  variable.bytes = dimensions.unsized ? 0 : checked_bytes(lexer, name, element, dimensions);
  return variable;
}

}  // namespace

int ElementType::bytes() const { return std::max(1, type.total_bits() / 8) * lanes; }

ElementType parse_element_type(Lexer& lexer) {
  ElementType element;
  while (lexer.peek().kind == Token::Kind::kDotWord) {
    if (lexer.take_dot_word(".align")) {
      element.align = parse_align(lexer);
    } else if (lexer.take_dot_word(".attribute")) {
      skip_attribute(lexer);
    } else if (lexer.take_dot_word(".ptr")) {
      skip_pointer_promise(lexer);
    } else if (!take_lanes(lexer, element.lanes)) {
      const Type type = parse_type(lexer.peek().text.substr(1));
      if (type.kind == Type::Kind::kNone) {
        lexer.fail(fmt::format("unknown type {}", lexer.peek().text));
      }
      if (element.type.kind != Type::Kind::kNone) lexer.fail("a second type");
      element.type = type;
      lexer.next();
    }
  }
  if (element.type.kind == Type::Kind::kNone) lexer.fail_expected("a type");
  if (element.align == 0) element.align = element.bytes();
  return element;
}

Dimensions parse_dimensions(Lexer& lexer) {
  Dimensions dimensions;
  while (lexer.take('[')) {
    if (dimensions.counts.empty() && lexer.take(']')) {
      dimensions.unsized = true;
      dimensions.counts.push_back(0);
      continue;
    }
    if (dimensions.counts.size() == kMostDimensions) {
      lexer.fail(fmt::format("more than {} dimensions", kMostDimensions));
    }
    dimensions.counts.push_back(lexer.need_count("a number of elements", kMostBytes));
    lexer.need(']');
  }
  return dimensions;
}

std::int64_t checked_bytes(const Lexer& lexer, const Token& at, const ElementType& element,
                           const Dimensions& dimensions) {
  std::int64_t bytes = element.bytes();
  bool empty = false;
  for (const std::int64_t count : dimensions.counts) {
    empty = empty || count == 0;
    // Without the empty ones, so that no row of an empty array overflows either.
    const std::int64_t at_least_one = std::max<std::int64_t>(1, count);
    if (bytes > kMostBytes / at_least_one) {
      lexer.fail(at, fmt::format("{} is larger than 2^40 bytes", at.text));
    }
    bytes *= at_least_one;
  }
  return empty ? 0 : bytes;
}

std::vector<DeclaredVariable> parse_variables(Lexer& lexer, Space space, bool external) {
  const ElementType element = parse_element_type(lexer);
  if (element.type.kind == Type::Kind::kPredicate)
    lexer.fail("a variable in memory cannot be .pred");
  std::vector<DeclaredVariable> declared;
  do {
    const Token name = lexer.peek();
    lexer.need_word("the name of a variable");
    declared.push_back({name, make_variable(lexer, name, space, external, element)});
  } while (lexer.take(','));
  lexer.need(';');
  return declared;
}

}  // namespace moe::simt::ptx
