// Numbers as PTX writes them. Source: PTX ISA 9.0, "Constants".
#pragma once
#include <cstdint>

#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

class Lexer;
struct Token;

struct Immediate {
  enum class Kind : std::uint8_t { kInteger, kSingle, kDouble };
  Kind kind = Kind::kInteger;
  std::uint64_t bits = 0;  // two's complement, or IEEE 754 bits of 32 or 64
};

// The number of one token, without sign. Throws Error if it is none, or does not fit 64 bits.
Immediate parse_number(const Lexer& lexer, const Token& token);

// A number with its sign. A sign before 0f... or 0d... is an error, as it is for ptxas.
Immediate parse_immediate(Lexer& lexer);

}  // namespace moe::simt::ptx
