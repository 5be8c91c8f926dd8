// Random programs, run by lanes that go their own ways, give the same values whether or not
// registers share rows. The register file is laid out as machine/instruction.h says, byte for byte.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "harness/simt/machine/instruction.h"
#include "harness/simt/machine/register_allocation.h"
#include "harness/simt/machine/test_function.h"

namespace moe::simt {
namespace {

using Random = std::mt19937_64;
using Kind = ptx::Operand::Kind;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15ull)) * 0xbf58476d1ce4e5b9ull;
  return x ^ (x >> 29);
}

// A body of statements of every shape that matters, with branches to anywhere.
class RandomProgram {
 public:
  explicit RandomProgram(std::uint64_t seed) : random_(seed) {
    constexpr int kBits[] = {1, 16, 32, 32, 64, 64, 128};
    for (int i = 0; i < 24; ++i) f_.make(kBits[below(random_, 7)]);
    for (int i = 0; i < 4; ++i) predicates_.push_back(f_.make(1));
    const int length = 10 + below(random_, 40);
    for (int i = 0; i <= 6; ++i) f_.function.labels[label(i)] = below(random_, length + 1);
    f_.function.branch_targets["list"] = {label(0), label(3), label(5)};
    while (static_cast<int>(f_.function.body.size()) < length) add_statement();
  }
  const ptx::Function& function() const { return f_.function; }

 private:
  static std::string label(int i) { return fmt::format("L{}", i); }
  int any() { return below(random_, static_cast<int>(f_.function.registers.size())); }
  int predicate() { return predicates_[below(random_, 4)]; }
  int guard() { return below(random_, 4) == 0 ? predicate() : -1; }

  void add_statement() {
    switch (below(random_, 9)) {
      case 0:
        f_.branch(label(below(random_, 7)), predicate());
        break;
      case 1:
        if (below(random_, 3) == 0) f_.add("brx", {reg(any()), symbol("list")}, guard());
        break;
      case 2:
        f_.add("shfl", {pair(any(), predicate()), reg(any()), reg(any())}, guard());
        break;
      case 3:
        f_.add("ld", {vector({any(), any(), any()}), address(any())}, guard());
        break;
      case 4:  // not a known opcode: it sometimes leaves its operand as it was
        f_.add("perhaps", {reg(any()), reg(any())}, guard());
        break;
      case 5:
        if (below(random_, 8) == 0) f_.add("exit", {}, predicate());
        break;
      case 6:
        f_.add("st", {address(any()), reg(any())}, guard());
        break;
      default:
        f_.add("add", {reg(any()), reg(any()), reg(any())}, guard());
    }
  }

  TestFunction f_;
  std::vector<int> predicates_;
  Random random_;
};

constexpr int kThreads[] = {0, 1, 2, 5, 16, 31};  // lanes whose columns touch across classes

class Machine {
 public:
  Machine(const ptx::Function& function, const RowAssignment& rows, std::uint64_t seed)
      : function_(function), rows_(rows), file_(rows.rows * kRowBytes), random_(seed) {
    for (const int lane : kThreads) threads_.push_back({lane, 0, {}});
  }

  // What each lane stored, in its order. Lanes take turns at random.
  std::vector<std::vector<std::uint64_t>> run() {
    for (int step = 0; step < 150 * static_cast<int>(threads_.size()); ++step) {
      turn(threads_[step % threads_.size()], below(random_, 3));
    }
    // Every lane gets equally far, so that the traces end at the same place.
    for (Thread& thread : threads_) {
      while (thread.steps < 400 && !done(thread)) turn(thread, 1);
    }
    std::vector<std::vector<std::uint64_t>> traces;
    for (Thread& thread : threads_) traces.push_back(std::move(thread.stored));
    return traces;
  }

 private:
  struct Thread {
    int lane;
    int pc;
    std::vector<std::uint64_t> stored;
    int steps = 0;
  };
  bool done(const Thread& thread) const {
    return thread.pc >= static_cast<int>(function_.body.size());
  }
  void turn(Thread& thread, int statements) {
    while (statements-- > 0 && !done(thread) && thread.steps < 400) step(thread);
  }

  // One 64-bit word of the register, or the 32-bit word, or the predicate's bit.
  std::uint64_t read(int lane, int reg, int half = 0) {
    const int bits = function_.registers[reg].type.bits;
    const std::byte* row = &file_[rows_.row[reg] * kRowBytes];
    if (bits == 1) return word(row, 0, 4) >> lane & 1;
    if (bits <= 32) return word(row, lane * 4, 4);
    return word(row, half * 2 * kRowBytes + lane * 8, 8);
  }
  void write(int lane, int reg, std::uint64_t value) {
    const int bits = function_.registers[reg].type.bits;
    std::byte* row = &file_[rows_.row[reg] * kRowBytes];
    if (bits == 1) {
      value = (word(row, 0, 4) & ~(1ull << lane)) | (value & 1) << lane;
      std::memcpy(row, &value, 4);
    } else if (bits <= 32) {
      if (bits == 16) value &= 0xffff;
      std::memcpy(row + lane * 4, &value, 4);
    } else {
      std::memcpy(row + lane * 8, &value, 8);
      value = mix(value, 1);
      if (bits == 128) std::memcpy(row + 2 * kRowBytes + lane * 8, &value, 8);
    }
  }
  static std::uint64_t word(const std::byte* row, int at, int bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, row + at, static_cast<std::size_t>(bytes));
    return value;
  }

  std::uint64_t read_all(int lane, const ptx::Operand& operand) {
    std::uint64_t value = 0;
    if (operand.reg >= 0) {
      value = read(lane, operand.reg);
      if (function_.registers[operand.reg].type.bits == 128) {
        value = mix(value, read(lane, operand.reg, 1));
      }
    }
    for (const ptx::Operand& part : operand.parts) value = mix(value, read_all(lane, part));
    return value;
  }

  void step(Thread& thread) {
    const ptx::Instruction& now = function_.body[thread.pc++];
    ++thread.steps;
    if (now.guard >= 0 && read(thread.lane, now.guard) == 0) return;
    if (now.opcode == "exit") {
      thread.pc = static_cast<int>(function_.body.size());
    } else if (now.opcode == "bra") {
      thread.pc = function_.labels.at(now.operands[0].name);
    } else if (now.opcode == "brx") {
      const auto& list = function_.branch_targets.at("list");
      thread.pc = function_.labels.at(list[read(thread.lane, now.operands[0].reg) % list.size()]);
    } else if (now.opcode == "st") {
      thread.stored.push_back(mix(read_all(thread.lane, now.operands[0]), sources(thread, now)));
    } else {
      compute(thread, now);
    }
  }

  std::uint64_t sources(const Thread& thread, const ptx::Instruction& now) {
    std::uint64_t value = static_cast<std::uint64_t>(now.place.line * kLanes + thread.lane);
    for (std::size_t i = 1; i < now.operands.size(); ++i) {
      value = mix(value, read_all(thread.lane, now.operands[i]));
    }
    return value;
  }

  // The least careful handler there may be: it reads its sources anew for each destination.
  void compute(Thread& thread, const ptx::Instruction& now) {
    const ptx::Operand& to = now.operands[0];
    const auto tied = [&](int reg) {
      for (std::size_t i = 1; i < now.operands.size(); ++i) {
        if (now.operands[i].reg == reg) return true;
        for (const ptx::Operand& part : now.operands[i].parts) {
          if (part.reg == reg) return true;
        }
      }
      return false;
    };
    std::vector<int> destinations;
    if (to.kind == Kind::kRegister) destinations.push_back(to.reg);
    for (const ptx::Operand& part : to.parts) destinations.push_back(part.reg);
    const std::uint64_t before = sources(thread, now);
    if (now.opcode == "perhaps" && before % 2 == 0) return;
    bool overwritten = false;  // a source that is a destination by name: read it once
    for (const int reg : destinations) overwritten |= tied(reg);
    for (std::size_t i = 0; i < destinations.size(); ++i) {
      const std::uint64_t value = overwritten ? before : sources(thread, now);
      write(thread.lane, destinations[i], mix(value, i));
    }
  }

  const ptx::Function& function_;
  const RowAssignment& rows_;
  std::vector<std::byte> file_;
  std::vector<Thread> threads_;
  Random random_;
};

RowAssignment rows_of_their_own(const ptx::Function& function) {
  RowAssignment rows;
  for (const ptx::Register& reg : function.registers) {
    rows.row.push_back(rows.rows);
    rows.rows += rows_of(reg.type);
  }
  return rows;
}

TEST(RegistersThatShareRows, GiveRandomProgramsTheSameValues) {
  int rows_apart = 0, rows_shared = 0;
  std::size_t stored = 0;
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    const RandomProgram program(seed);
    const RowAssignment apart = rows_of_their_own(program.function());
    const RowAssignment shared = assign_rows(program.function());
    const auto expected = Machine(program.function(), apart, seed).run();
    const auto found = Machine(program.function(), shared, seed + 1).run();
    ASSERT_EQ(found, expected) << "seed " << seed;
    rows_apart += apart.rows;
    rows_shared += shared.rows;
    for (const auto& trace : expected) stored += trace.size();
  }
  // The test would say nothing if programs stored nothing, or if nothing were shared.
  EXPECT_GT(stored, 50'000u);
  EXPECT_LT(rows_shared, rows_apart * 9 / 10);
}

}  // namespace
}  // namespace moe::simt
