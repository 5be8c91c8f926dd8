// Backward liveness over the flow graph, with a bit for each register that crosses a block.
#include "harness/simt/machine/liveness.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "harness/simt/machine/flow_graph.h"

namespace moe::simt {
namespace {

using Kind = ptx::Operand::Kind;

// Opcodes whose first operand, when it is a register, a vector or a pair, is written whole by every
// thread that runs them. Source: the "Syntax" of each instruction, PTX ISA 9.0. What is missing
// here costs rows, nothing else: `bar` is missing because its first operand may be a barrier's
// number.
bool writes_first_operand(std::string_view opcode) {
  static const std::unordered_set<std::string_view> opcodes = {
      "abs",       "activemask", "add",          "addc",     "and",        "atom",     "bfe",
      "bfi",       "bfind",      "bmsk",         "brev",     "clz",        "cnot",     "copysign",
      "cos",       "cvt",        "createpolicy", "cvta",     "div",        "dp2a",     "dp4a",
      "elect",     "ex2",        "fma",          "fns",      "getctarank", "isspacep", "ld",
      "ldmatrix",  "ldu",        "lg2",          "lop3",     "mad",        "mad24",    "madc",
      "mapa",      "match",      "max",          "mbarrier", "min",        "mma",      "mov",
      "movmatrix", "mul",        "mul24",        "neg",      "not",        "or",       "popc",
      "prmt",      "rcp",        "redux",        "rem",      "rsqrt",      "sad",      "selp",
      "set",       "setp",       "shf",          "shfl",     "shl",        "shr",      "sin",
      "slct",      "sqrt",       "sub",          "subc",     "szext",      "tanh",     "testp",
      "vote",      "xor"};
  return opcodes.contains(opcode);
}

void collect(const ptx::Operand& operand, std::vector<int>& registers) {
  if (operand.reg >= 0) registers.push_back(operand.reg);
  for (const ptx::Operand& part : operand.parts) collect(part, registers);
}

bool can_be_written(const ptx::Operand& operand) {
  return operand.kind == Kind::kRegister || operand.kind == Kind::kVector ||
         operand.kind == Kind::kPair;
}

// A set of small numbers.
class Bits {
 public:
  explicit Bits(int size) : words_((size + 63) / 64) {}
  void set(int i) { words_[i / 64] |= 1ull << (i % 64); }

  // *this |= other; whether that changed anything.
  bool add(const Bits& other) {
    std::uint64_t added = 0;
    for (std::size_t w = 0; w < words_.size(); ++w) {
      added |= other.words_[w] & ~words_[w];
      words_[w] |= other.words_[w];
    }
    return added != 0;
  }
  // *this |= a & ~b; whether that changed anything.
  bool add_difference(const Bits& a, const Bits& b) {
    std::uint64_t added = 0;
    for (std::size_t w = 0; w < words_.size(); ++w) {
      const std::uint64_t more = a.words_[w] & ~b.words_[w];
      added |= more & ~words_[w];
      words_[w] |= more;
    }
    return added != 0;
  }
  template <class Body>
  void for_each(Body&& body) const {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      for (std::uint64_t rest = words_[w]; rest != 0; rest &= rest - 1) {
        body(static_cast<int>(w) * 64 + std::countr_zero(rest));
      }
    }
  }

 private:
  std::vector<std::uint64_t> words_;
};

class Liveness {
 public:
  explicit Liveness(const ptx::Function& function)
      : blocks_(flow_graph(function)),
        intervals_(function.registers.size()),
        number_(function.registers.size(), -1) {
    scan(function);
    solve();
    for (std::size_t b = 0; b < blocks_.size(); ++b) stretch_over(b);
  }

  std::vector<LiveInterval> take_intervals() { return std::move(intervals_); }

 private:
  // Per block: registers read before the block writes them, and registers it writes. Only the
  // former can be live across a block's border, in this block or another, and only they get a
  // number.
  void scan(const ptx::Function& function) {
    std::vector<std::vector<int>> exposed(blocks_.size()), written(blocks_.size());
    std::vector<int> last_writer(function.registers.size(), -1);  // block
    RegisterEffects effects;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      for (int i = blocks_[b].begin; i < blocks_[b].end; ++i) {
        effects_of(function.body[i], effects);
        for (const int reg : effects.uses) {
          stretch(reg, i);
          if (last_writer[reg] != static_cast<int>(b)) exposed[b].push_back(reg);
        }
        for (const int reg : effects.definitions) {
          stretch(reg, i);
          if (last_writer[reg] != static_cast<int>(b)) written[b].push_back(reg);
          last_writer[reg] = static_cast<int>(b);
        }
      }
      for (const int reg : exposed[b]) add_number(reg);
    }
    const int count = static_cast<int>(numbered_.size());
    live_in_.assign(blocks_.size(), Bits(count));
    live_out_.assign(blocks_.size(), Bits(count));
    written_.assign(blocks_.size(), Bits(count));
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      for (const int reg : exposed[b]) live_in_[b].set(number_[reg]);
      for (const int reg : written[b]) {
        if (number_[reg] >= 0) written_[b].set(number_[reg]);
      }
    }
  }

  void add_number(int reg) {
    if (number_[reg] >= 0) return;
    number_[reg] = static_cast<int>(numbered_.size());
    numbered_.push_back(reg);
  }

  // in = exposed | (out - written), out = the union of the successors' in, until nothing changes.
  // Backwards through the text: most edges lead forward, so that few rounds are needed.
  void solve() {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t b = blocks_.size(); b-- > 0;) {
        bool more = false;
        for (const int next : blocks_[b].successors) more |= live_out_[b].add(live_in_[next]);
        if (more) changed |= live_in_[b].add_difference(live_out_[b], written_[b]);
      }
    }
  }

  void stretch_over(std::size_t b) {
    live_in_[b].for_each([&](int number) { stretch(numbered_[number], blocks_[b].begin); });
    live_out_[b].for_each([&](int number) { stretch(numbered_[number], blocks_[b].end - 1); });
  }

  void stretch(int reg, int statement) {
    LiveInterval& interval = intervals_[reg];
    interval.first = interval.named() ? std::min(interval.first, statement) : statement;
    interval.last = std::max(interval.last, statement);
  }

  std::vector<BasicBlock> blocks_;
  std::vector<LiveInterval> intervals_;             // [registers]
  std::vector<int> number_;                         // [registers]: bit in the sets, or -1
  std::vector<int> numbered_;                       // bit -> register
  std::vector<Bits> live_in_, live_out_, written_;  // [blocks]
};

}  // namespace

void effects_of(const ptx::Instruction& instruction, RegisterEffects& effects) {
  effects.uses.clear();
  effects.definitions.clear();
  if (instruction.guard >= 0) effects.uses.push_back(instruction.guard);
  const bool defines = instruction.guard < 0 && writes_first_operand(instruction.opcode);
  bool first = true;
  for (const ptx::Operand& operand : instruction.operands) {
    const bool written = first && defines && can_be_written(operand);
    collect(operand, written ? effects.definitions : effects.uses);
    first = false;
  }
}

std::vector<LiveInterval> live_intervals(const ptx::Function& function) {
  return Liveness(function).take_intervals();
}

}  // namespace moe::simt
