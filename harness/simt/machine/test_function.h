// For tests: PTX functions put together by hand, without a parser.
#pragma once
#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

inline ptx::Operand reg(int index) {
  ptx::Operand operand;
  operand.kind = ptx::Operand::Kind::kRegister;
  operand.reg = index;
  return operand;
}

inline ptx::Operand symbol(std::string name) {
  ptx::Operand operand;
  operand.kind = ptx::Operand::Kind::kSymbol;
  operand.name = std::move(name);
  return operand;
}

inline ptx::Operand of_registers(ptx::Operand::Kind kind, const std::vector<int>& registers) {
  ptx::Operand operand;
  operand.kind = kind;
  for (const int r : registers) operand.parts.push_back(reg(r));
  return operand;
}
inline ptx::Operand vector(const std::vector<int>& registers) {
  return of_registers(ptx::Operand::Kind::kVector, registers);
}
inline ptx::Operand pair(int first, int second) {
  return of_registers(ptx::Operand::Kind::kPair, {first, second});
}
inline ptx::Operand address(int base) { return of_registers(ptx::Operand::Kind::kAddress, {base}); }

struct TestFunction {
  ptx::Function function;

  // A new register; 1 bit: a predicate.
  int make(int bits = 32) {
    const auto kind = bits == 1 ? ptx::Type::Kind::kPredicate : ptx::Type::Kind::kBits;
    const int index = static_cast<int>(function.registers.size());
    function.registers.push_back({fmt::format("%v{}", index), {kind, bits, 1}});
    return index;
  }

  // The statement's index. `guard`: a predicate, for @%p.
  int add(std::string opcode, std::vector<ptx::Operand> operands = {}, int guard = -1) {
    ptx::Instruction instruction;
    instruction.opcode = std::move(opcode);
    instruction.operands = std::move(operands);
    instruction.guard = guard;
    instruction.place.line = static_cast<int>(function.body.size()) + 1;
    instruction.text = instruction.opcode;
    function.body.push_back(std::move(instruction));
    return static_cast<int>(function.body.size()) - 1;
  }
  void label(const std::string& name) {
    function.labels[name] = static_cast<int>(function.body.size());
  }
  void branch(const std::string& to, int guard = -1) { add("bra", {symbol(to)}, guard); }
};

}  // namespace moe::simt
