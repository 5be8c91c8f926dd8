// Turns PTX statements into decoded instructions. Each family of opcodes in execute/ adds its
// decode functions to the table; what no function takes, or what it leaves over, is an error.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/simt/machine/instruction.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

class Decoder;

// The modifiers of one statement, taken one by one. What is left at the end is an error.
class Modifiers {
 public:
  explicit Modifiers(const ptx::Instruction& source);
  bool take(std::string_view word);  // true, once, if it is there
  // The first of `words` that is there, or -1: take_one_of({"lo", "hi", "wide"}).
  int take_one_of(std::initializer_list<std::string_view> words);
  // The next modifier that is a type, in order of writing; kNone when there is none left.
  ptx::Type take_type();
  ptx::Type need_type();  // throws ptx::Error when there is none
  bool any_left() const;
  std::string left() const;  // ".foo.bar"
  const std::vector<std::string>& words() const { return words_; }

 private:
  const ptx::Instruction& source_;
  std::vector<std::string> words_;
};

// What a decode function may ask for. One a function body.
class Decoder {
 public:
  virtual ~Decoder() = default;

  // The value of an operand (register, immediate, special register, symbol's address), as the given
  // type: an immediate is rounded or cut to it. Predicates: `!%p` gives a negated copy.
  virtual Reg source(const ptx::Operand& operand, ptx::Type type) = 0;
  // A register to write; a scratch register for `_`.
  virtual Reg destination(const ptx::Operand& operand) = 0;
  virtual Reg zero() = 0;  // reads as 0, never poisoned
  virtual Reg constant(std::uint64_t bits, int bytes) = 0;
  virtual Reg scratch(int bytes) = 0;  // a register of the decoder's own; 0: predicate
  virtual int register_bits(const ptx::Operand& operand) const = 0;  // as declared; 0: predicate
  virtual bool is_register(const ptx::Operand& operand) const = 0;
  // The condition code register's carry flag (CC.CF): one for the body.
  Reg carry_flag() {
    if (carry_flag_ == kNoReg) carry_flag_ = scratch(0);
    return carry_flag_;
  }

  struct Address {
    Reg base;             // 64-bit value, or 32-bit when `narrow`
    bool narrow;          // the register holds a 32-bit shared or local address
    std::int64_t offset;  // to add
    // What the operand's symbol says: an entry's parameter (kParam), a call's or a local variable
    // (kLocal), shared or global; kGeneric for a register. Overrides what the instruction says.
    ptx::Space space = ptx::Space::kGeneric;
  };
  // Of `[a+4]`: a register, a symbol, or an absolute immediate.
  virtual Address address(const ptx::Operand& operand) = 0;
  // A space as written by modifiers `.global`, `.shared::cta` ... removed from `modifiers`.
  static ptx::Space take_space(Modifiers& modifiers);

  virtual int label(const ptx::Operand& operand) = 0;           // -> instruction index
  [[noreturn]] virtual void fail(const std::string& what) = 0;  // "file:line: what, the text"

 private:
  Reg carry_flag_ = kNoReg;
};

using DecodeFunction = std::function<Instruction(Decoder&, const ptx::Instruction&, Modifiers&)>;
using OpcodeTable = std::map<std::string, DecodeFunction, std::less<>>;

// The families. Each in the file of that name in execute/.
void add_integer_opcodes(OpcodeTable& table);     // add sub mul mad shl and lop3 bfe prmt ...
void add_float_opcodes(OpcodeTable& table);       // f32 and f64 forms; the table's entry dispatches
void add_conversion_opcodes(OpcodeTable& table);  // cvt cvta mov selp setp ...
void add_memory_opcodes(OpcodeTable& table);      // ld st atom red prefetch fence membar
void add_warp_opcodes(OpcodeTable& table);        // shfl vote match redux activemask elect
void add_control_opcodes(OpcodeTable& table);     // bra call ret exit bar barrier nanosleep trap
void add_tensor_opcodes(OpcodeTable& table);      // mma ldmatrix stmatrix movmatrix
void add_warpgroup_opcodes(OpcodeTable& table);   // wgmma setmaxnreg
void add_async_opcodes(OpcodeTable& table);       // cp.async* mbarrier griddepcontrol mapa ...

const OpcodeTable& all_opcodes();

}  // namespace moe::simt
